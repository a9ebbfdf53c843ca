// The machine as files: /proc, /sys and /dev below a root, which tests make themselves. Nothing is
// ever written.
#ifndef DAEMON_DOCTOR_SYSTEM_VIEW_H_
#define DAEMON_DOCTOR_SYSTEM_VIEW_H_

#include <optional>
#include <string>
#include <vector>

namespace daemon_doctor {

class SystemView {
 public:
  // `root` comes before every path: empty for the machine itself.
  explicit SystemView(std::string root = {}) : root_(std::move(root)) {}

  // The first 64 KiB of a file, without white space at its end; nothing where it cannot be read.
  std::optional<std::string> read(const std::string& path) const;
  // Names in a directory, sorted; at most 4,096. None where there is no such directory.
  std::vector<std::string> list(const std::string& directory) const;
  bool exists(const std::string& path) const;
  // The last component of what a symbolic link points to.
  std::optional<std::string> link_name(const std::string& path) const;
  // Permission bits and owner.
  struct Owner {
    unsigned mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
  };
  std::optional<Owner> owner(const std::string& path) const;

 private:
  std::string root_;
};

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_SYSTEM_VIEW_H_
