#include "provisioning/container/directory_listing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "hardening/base/json.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/container/tar_profile.h"
#include "provisioning/trust/release.h"

namespace provisioning {
namespace {

constexpr std::size_t kEntriesMax =
    kReleaseFilesMax + 2;  // the files of a release, release.dsse and model.sig
constexpr std::size_t kLevelsMax = 8;

base::Result<base::Fd> open_directory_at(const base::Fd& directory, const std::string& name) {
  for (;;) {
    const int fd = ::openat(directory.get(), name.c_str(), directory_flags());
    if (fd >= 0) return base::Fd(fd);
    if (errno != EINTR) return base::io_error(errno, "open directory");
  }
}

// The records of getdents64(2): inode and offset of 8 bytes each, length of 2, type of 1, the name
// with its NUL.
base::Status collect_names(std::span<const std::byte> records, std::size_t entries_max,
                           std::vector<std::string>& names) {
  constexpr std::size_t kLengthAt = 16;
  constexpr std::size_t kNameAt = 19;
  while (!records.empty()) {
    std::uint16_t length = 0;
    std::memcpy(&length, records.data() + kLengthAt, sizeof length);
    const std::string_view name(reinterpret_cast<const char*>(records.data()) + kNameAt);
    if (name != "." && name != "..") {
      if (names.size() >= entries_max)
        return base::exhausted(fmt::format("a directory has more than {} entries", entries_max));
      names.emplace_back(name);
    }
    records = records.subspan(length);
  }
  return {};
}

class TreeWalk {
 public:
  base::Status walk(const base::Fd& directory, const std::string& prefix, std::size_t level) {
    const auto names = TRY(list_names(directory, kEntriesMax));
    if (names.empty()) return base::denied(base::Json(prefix).dump() + " is an empty directory");
    for (const std::string& name : names) TRY(visit(directory, prefix + name, name, level));
    return {};
  }

  std::vector<std::string> take() && {
    std::sort(files_.begin(), files_.end());
    return std::move(files_);
  }

 private:
  base::Status visit(const base::Fd& directory, const std::string& path, const std::string& name,
                     std::size_t level) {
    const std::string shown = base::Json(path).dump();
    if (path.size() > kTarNameBytesMax) {
      return base::denied(
          fmt::format("{}: a name of {} bytes, limit {}", shown, path.size(), kTarNameBytesMax));
    }
    struct stat info {};
    if (::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return base::io_error(errno, shown + ": stat");
    }
    if (S_ISREG(info.st_mode)) {
      if (files_.size() >= kEntriesMax)
        return base::exhausted(fmt::format("more than {} files", kEntriesMax));
      files_.push_back(path);
      return {};
    }
    if (!S_ISDIR(info.st_mode)) return base::denied(shown + " is neither a file nor a directory");
    // Each directory holds a file in the end, so that their number is bounded by the files' and the
    // levels'.
    if (level >= kLevelsMax)
      return base::exhausted(fmt::format("{} is deeper than {} levels", shown, kLevelsMax));
    return walk(TRY(open_directory_at(directory, name).context(shown)), path + "/", level + 1);
  }

  std::vector<std::string> files_;
};

}  // namespace

base::Result<std::vector<std::string>> list_names(const base::Fd& directory,
                                                  std::size_t entries_max) {
  // A descriptor of our own, so that reading begins at the first entry whoever has read from the
  // other.
  const base::Fd own = TRY(open_directory_at(directory, "."));
  std::vector<std::string> names;
  alignas(8) std::byte buffer[32 << 10];
  for (;;) {
    const long got = ::syscall(SYS_getdents64, own.get(), buffer, sizeof buffer);
    if (got < 0) return base::io_error(errno, "list directory");
    if (got == 0) return names;
    TRY(collect_names(std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got)),
                      entries_max, names));
  }
}

base::Result<std::vector<std::string>> list_tree(const base::Fd& directory) {
  TreeWalk tree;
  TRY(tree.walk(directory, "", 1));
  return std::move(tree).take();
}

}  // namespace provisioning
