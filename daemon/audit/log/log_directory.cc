#include "daemon/audit/log/log_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>

#include "hardening/base/file.h"

namespace daemon_audit {
namespace {

constexpr unsigned kDirectoryMode = 0750;
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
constexpr int kCreateFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

base::Error failed(int sys_errno, std::string_view doing, std::string_view path) {
  base::Error error = base::io_error(sys_errno, fmt::format("{} {}", doing, path));
  if (sys_errno == ENOENT) error.code = base::ErrorCode::kNotFound;
  return error;
}

base::Result<base::Fd> open_at(const base::Fd& directory, const std::string& path, int flags,
                               unsigned mode = 0) {
  for (;;) {
    const int fd = ::openat(directory.get(), path.c_str(), flags, mode);
    if (fd >= 0) return base::Fd(fd);
    if (errno != EINTR) return failed(errno, "open", path);
  }
}

base::Status sync(const base::Fd& file, std::string_view path) {
  for (;;) {
    if (::fsync(file.get()) == 0) return {};
    if (errno != EINTR) return failed(errno, "sync", path);
  }
}

}  // namespace

std::string parent_path(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "." : std::string(path.substr(0, slash));
}

std::string unfinished_path(std::string_view path) {
  const auto slash = path.rfind('/');
  const auto name_at = slash == path.npos ? 0 : slash + 1;
  return fmt::format("{}{}{}", path.substr(0, name_at), kUnfinishedPrefix, path.substr(name_at));
}

base::Result<base::Fd> open_log_file(const base::Fd& directory, const std::string& path) {
  return open_at(directory, path, kReadFlags);
}

base::Result<std::string> read_log_file(const base::Fd& directory, const std::string& path,
                                        std::size_t bytes_max) {
  const base::Fd file = TRY(open_log_file(directory, path));
  return base::read_text(file, bytes_max).context(path);
}

base::Result<bool> log_file_exists(const base::Fd& directory, const std::string& path) {
  const auto file = open_log_file(directory, path);
  if (file.ok()) return true;
  if (file.error().code == base::ErrorCode::kNotFound) return false;
  return file.error();
}

base::Result<std::vector<std::string>> list_log_directory(const base::Fd& directory,
                                                          const std::string& path,
                                                          std::size_t names_max) {
  std::vector<std::string> names;
  auto folder = open_at(directory, path, kReadFlags | O_DIRECTORY);
  if (!folder.ok() && folder.error().code == base::ErrorCode::kNotFound) return names;
  base::Fd opened = TRY(std::move(folder));
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(opened.get()), close);
  if (stream == nullptr) return failed(errno, "list", path);
  (void)opened.release();  // the stream's now
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return failed(errno, "list", path);
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == names_max) {
      return base::exhausted(fmt::format("{} has more than {} names", path, names_max));
    }
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

base::Status LogDirectory::write(const std::string& path, std::string_view bytes, Sync sync_when,
                                 unsigned mode) {
  const base::Status written = write_and_name(path, bytes, sync_when, mode);
  if (!written.ok()) {
    (void)remove(unfinished_path(path));  // a full disk has room for something better
    return written;
  }
  // All the way up: a former process may have made directories that it did not come to sync.
  if (sync_when != Sync::kNone) remember_ancestors(path);
  return {};
}

base::Status LogDirectory::write_and_name(const std::string& path, std::string_view bytes,
                                          Sync sync_when, unsigned mode) {
  base::Fd file = TRY(create_unfinished(path, mode));
  TRY(base::write_all(file, std::as_bytes(std::span(bytes))).context(path));
  if (sync_when == Sync::kFile) TRY(sync(file, path));
  TRY(file.close());
  return give_name(path);
}

base::Result<base::Fd> LogDirectory::create_unfinished(const std::string& path, unsigned mode) {
  const std::string unfinished = unfinished_path(path);
  auto file = open_at(directory_, unfinished, kCreateFlags, mode);
  if (file.ok()) return file;
  if (file.error().code == base::ErrorCode::kNotFound) {
    TRY(make_directories(parent_path(path)));
  } else if (file.error().sys_errno == EEXIST) {
    TRY(remove(unfinished));  // a write that failed, or was cut short
  } else {
    return file;
  }
  return open_at(directory_, unfinished, kCreateFlags, mode);
}

base::Status LogDirectory::give_name(const std::string& path) {
  const std::string from = unfinished_path(path);
  if (::renameat(directory_.get(), from.c_str(), directory_.get(), path.c_str()) != 0) {
    return failed(errno, "rename to", path);
  }
  return {};
}

base::Status LogDirectory::finish(const std::string& path) {
  TRY(give_name(path));
  remember(parent_path(path));
  return {};
}

base::Status LogDirectory::make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (::mkdirat(directory_.get(), prefix.c_str(), kDirectoryMode) == 0) {
      remember(parent_path(prefix));
    } else if (errno != EEXIST) {
      return failed(errno, "make directory", prefix);
    }
    if (slash == path.npos) return {};
  }
}

base::Status LogDirectory::sync_file(const std::string& path) {
  const base::Fd file = TRY(open_log_file(directory_, path));
  return sync(file, path);
}

base::Status LogDirectory::remove(const std::string& path) {
  if (::unlinkat(directory_.get(), path.c_str(), 0) == 0 || errno == ENOENT) return {};
  return failed(errno, "remove", path);
}

void LogDirectory::remove_directory(const std::string& path) {
  (void)::unlinkat(directory_.get(), path.c_str(), AT_REMOVEDIR);
}

void LogDirectory::remember_ancestors(std::string_view path) {
  std::string at(path);
  while (at != ".") {
    at = parent_path(at);
    remember(at);
  }
}

base::Status LogDirectory::sync_directory(const std::string& path) {
  const auto folder = open_at(directory_, path, kReadFlags | O_DIRECTORY);
  if (!folder.ok()) {
    // Removed since, with all that was in it.
    if (folder.error().code == base::ErrorCode::kNotFound) return {};
    return folder.error();
  }
  return sync(folder.value(), path);
}

base::Status LogDirectory::sync_one_directory() {
  TRY(sync_directory(*unsynced_.begin()));
  unsynced_.erase(unsynced_.begin());
  return {};
}

base::Status LogDirectory::sync_directories() {
  while (has_unsynced()) TRY(sync_one_directory());
  return {};
}

}  // namespace daemon_audit
