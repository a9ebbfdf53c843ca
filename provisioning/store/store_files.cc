#include "provisioning/store/store_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

namespace provisioning {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kLockMode = 0600;
constexpr int kLockPollMs = 20;

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Only root can give something away, and only what it makes for somebody else needs it. By
// descriptor: whose directory it is may put something else in its place meanwhile.
base::Status give_to_owner_of(const std::string& example, const base::Fd& made,
                              const std::string& path) {
  if (::geteuid() != 0) return {};
  const base::FileOwner owner = TRY(base::owner_of(example));
  if (::fchown(made.get(), owner.uid, owner.gid) != 0)
    return base::io_error(errno, "change the owner of " + path);
  return {};
}

}  // namespace

base::Status make_store_directory(const std::string& path) {
  if (::mkdir(path.c_str(), kStoreDirectoryMode) != 0) {
    if (errno == EEXIST) return {};
    if (errno != ENOENT || parent_of(path) == path) return base::io_error(errno, "create " + path);
    TRY(make_store_directory(parent_of(path)));
    if (::mkdir(path.c_str(), kStoreDirectoryMode) != 0)
      return base::io_error(errno, "create " + path);
  }
  const base::Fd made = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  // Whatever the umask: roles that are other users look into these.
  if (::fchmod(made.get(), kStoreDirectoryMode) != 0) return base::io_error(errno, "chmod " + path);
  TRY(give_to_owner_of(parent_of(path), made, path));
  return sync_store_directory(parent_of(path));
}

base::Status put_store_file(const std::string& path, std::string_view text, unsigned mode) {
  const base::FileOwner owner = TRY(base::owner_of(parent_of(path)));
  return base::replace_file(path, text, mode, ::geteuid() == 0 ? &owner : nullptr);
}

base::Status sync_store_directory(const std::string& path) {
  const base::Fd directory = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) != 0) return base::io_error(errno, "fsync " + path);
  return {};
}

base::Status rename_path(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return base::io_error(errno, fmt::format("rename {} to {}", from, to));
  }
  return {};
}

bool path_exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

base::Status remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return base::io_error(error.value(), "remove " + path);
  return {};
}

base::Result<std::vector<std::string>> list_names(const std::string& directory,
                                                  std::size_t names_max) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (names.size() == names_max)
      return base::exhausted(fmt::format("{}: more than {} entries", directory, names_max));
    names.push_back(entry->path().filename().string());
  }
  if (error == std::errc::no_such_file_or_directory)
    return base::not_found(directory + " does not exist");
  if (error) return base::io_error(error.value(), "list " + directory);
  return names;
}

base::Result<base::Fd> lock_store_file(const std::string& path, int wait_ms) {
  auto made = base::open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, kLockMode);
  if (made.ok()) TRY(give_to_owner_of(parent_of(path), made.value(), path));
  base::Fd lock =
      made.ok() ? std::move(made).value() : TRY(base::open_file(path, O_RDWR | O_NOFOLLOW));
  for (int waited = 0;; waited += kLockPollMs) {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK && errno != EINTR) return base::io_error(errno, "lock " + path);
    if (waited >= wait_ms) return base::unavailable(path + " is held by another process");
    std::this_thread::sleep_for(std::chrono::milliseconds(kLockPollMs));
  }
}

}  // namespace provisioning
