#include "provisioning/trust/trust_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <optional>

#include "hardening/base/file.h"

namespace provisioning {
namespace {

constexpr std::string_view kRootSuffix = ".root.dsse";
constexpr unsigned kDirectoryMode = 0755;  // nothing here is secret
constexpr unsigned kFileMode = 0644;
constexpr int kLockAttempts = 50;
constexpr long kLockPauseNs = 100'000'000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// "12.root.dsse", written as we write it.
std::optional<std::uint64_t> root_version(std::string_view name) {
  if (!name.ends_with(kRootSuffix)) return std::nullopt;
  name.remove_suffix(kRootSuffix.size());
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  if (error != std::errc() || end != name.data() + name.size() || std::to_string(version) != name)
    return std::nullopt;
  return version;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Whom new files go to: root alone can give them away, everybody else's are their own anyway.
base::Result<std::optional<base::FileOwner>> heir(const std::string& directory) {
  if (::geteuid() != 0) return std::optional<base::FileOwner>();
  return std::optional(TRY(base::owner_of(directory)));
}

}  // namespace

std::string TrustFiles::root_path(std::uint64_t version) const {
  return fmt::format("{}/roots/{}{}", directory_, version, kRootSuffix);
}

base::Result<std::vector<std::uint64_t>> TrustFiles::root_versions() const {
  const std::string path = directory_ + "/roots";
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  std::vector<std::uint64_t> versions;
  if (directory == nullptr && errno == ENOENT) return versions;
  if (directory == nullptr) return base::io_error(errno, path);
  for (errno = 0;;) {
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    if (const auto version = root_version(entry->d_name)) versions.push_back(*version);
  }
  if (errno != 0) return base::io_error(errno, path);
  std::sort(versions.begin(), versions.end());
  return versions;
}

base::Status TrustFiles::ensure_directory(const std::string& path) const {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0) {
    if (errno == EEXIST) return {};
    return base::io_error(errno, "create " + path);
  }
  const std::string parent = parent_of(path);
  if (const auto owner = TRY(heir(parent));
      owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0) {
    return base::io_error(errno, "change the owner of " + path);
  }
  const base::Fd fd = TRY(base::open_file(parent, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return base::io_error(errno, "fsync " + parent);
  return {};
}

base::Result<base::Fd> TrustFiles::lock() const {
  TRY(ensure_directory(directory_));
  const std::string path = directory_ + "/lock";
  base::Fd fd = TRY(base::open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, kFileMode));
  if (const auto owner = TRY(heir(directory_));
      owner && ::fchown(fd.get(), owner->uid, owner->gid) != 0) {
    return base::io_error(errno, "change the owner of " + path);
  }
  for (int attempt = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK && errno != EINTR) return base::io_error(errno, "lock " + path);
    if (attempt == kLockAttempts) return base::unavailable(path + " is held by another process");
    const timespec pause{0, kLockPauseNs};
    ::nanosleep(&pause, nullptr);
  }
  for (const char* place : {"", "/roots"}) base::remove_unfinished(directory_ + place);
  return fd;
}

base::Status TrustFiles::write(const std::string& path, std::string_view text) const {
  const auto owner = TRY(heir(directory_));
  return base::replace_file(path, text, kFileMode, owner ? &*owner : nullptr);
}

base::Status TrustFiles::write_root(std::uint64_t version, std::string_view text) const {
  TRY(ensure_directory(directory_ + "/roots"));
  return write(root_path(version), text);
}

}  // namespace provisioning
