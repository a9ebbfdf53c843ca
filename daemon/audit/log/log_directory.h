// The files of a log below its directory, by relative path. Read: free functions. Written: a file
// gets its name when it is complete, and the directories that have yet to be synced are remembered.
//
// The system calls are those the auditor keeps (openat, read, write, mkdirat, renameat, unlinkat,
// fsync, fstat, close); only list_log_directory() needs more, and is for readers and for open().
#ifndef DAEMON_AUDIT_LOG_LOG_DIRECTORY_H_
#define DAEMON_AUDIT_LOG_LOG_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::string_view kUnfinishedPrefix = ".new-";
inline constexpr std::size_t kBundleBytesMax = 256 * (2 + std::size_t{65'535});

// kNotFound: there is none. No symbolic link is followed.
base::Result<base::Fd> open_log_file(const base::Fd& directory, const std::string& path);
base::Result<std::string> read_log_file(const base::Fd& directory, const std::string& path,
                                        std::size_t bytes_max);
base::Result<bool> log_file_exists(const base::Fd& directory, const std::string& path);
// Names, sorted, without "." and ".."; none when there is no such directory. kExhausted: more than
// names_max.
base::Result<std::vector<std::string>> list_log_directory(const base::Fd& directory,
                                                          const std::string& path,
                                                          std::size_t names_max);

// "tile/0" of "tile/0/x001"; "." of a name alone.
std::string parent_path(std::string_view path);
// "tile/0/.new-x001": where it is before it is complete.
std::string unfinished_path(std::string_view path);

class LogDirectory {
 public:
  explicit LogDirectory(base::Fd directory) : directory_(std::move(directory)) {}

  const base::Fd& fd() const { return directory_; }

  enum class Sync : std::uint8_t {
    kNone,   // whether it outlasts a power failure does not matter
    kLater,  // the caller syncs the file; its directory is remembered here
    kFile,   // the file is synced before it has its name; its directory is remembered
  };
  // The whole file, over a former one of that name; directories on the way are made.
  base::Status write(const std::string& path, std::string_view bytes, Sync sync,
                     unsigned mode = 0640);
  // A new file at unfinished_path(path), to be written by the caller and then given its name.
  base::Result<base::Fd> create_unfinished(const std::string& path, unsigned mode = 0640);
  base::Status finish(const std::string& path);  // renames; the directory is remembered

  base::Status sync_file(const std::string& path);
  // Absent: fine. The directory is not remembered.
  base::Status remove(const std::string& path);
  // When it is empty; else it stays.
  void remove_directory(const std::string& path);

  // Directories whose entries may not be durable yet.
  void remember(std::string path) { unsynced_.insert(std::move(path)); }
  bool has_unsynced() const { return !unsynced_.empty(); }
  base::Status sync_one_directory();  // requires has_unsynced()
  base::Status sync_directories();
  base::Status sync_directory(const std::string& path);

 private:
  base::Status write_and_name(const std::string& path, std::string_view bytes, Sync sync,
                              unsigned mode);
  base::Status give_name(const std::string& path);
  void remember_ancestors(std::string_view path);
  base::Status make_directories(const std::string& path);

  base::Fd directory_;
  std::set<std::string> unsynced_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_LOG_DIRECTORY_H_
