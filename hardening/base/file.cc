#include "hardening/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace base {
namespace {

constexpr std::size_t kPathBytesMax = 4096;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::string_view kUnfinished = ".new-";  // and the writer's process id

Error open_error(int sys_errno, std::string_view path) {
  Error error = io_error(sys_errno, fmt::format("open {}", path));
  if (sys_errno == ENOENT) error.code = ErrorCode::kNotFound;
  if (sys_errno == EACCES || sys_errno == EPERM) error.code = ErrorCode::kDenied;
  return error;
}

Status fsync_fd(const Fd& fd, std::string_view what) {
  if (::fsync(fd.get()) != 0) return io_error(errno, fmt::format("fsync {}", what));
  return {};
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<Fd> open_file(const std::string& path, int flags, unsigned mode) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Fd(fd);
    if (errno != EINTR) return open_error(errno, path);
  }
}

Result<std::string> path_component(std::string_view name) {
  if (name.empty() || name == "." || name == "..") {
    return invalid_input("a path component is empty, \".\" or \"..\"");
  }
  if (name.size() > kNameBytesMax) {
    return invalid_input(fmt::format("a path component has {} bytes, limit {}", name.size(), kNameBytesMax));
  }
  if (name.find('/') != name.npos || name.find('\0') != name.npos) {
    return invalid_input("a path component contains '/' or NUL");
  }
  return std::string(name);
}

Status check_relative_path(std::string_view path) {
  if (path.size() > kPathBytesMax) {
    return invalid_input(fmt::format("a path has {} bytes, limit {}", path.size(), kPathBytesMax));
  }
  for (std::size_t start = 0;;) {
    const auto slash = path.find('/', start);
    TRY(path_component(path.substr(start, slash == path.npos ? path.npos : slash - start)));
    if (slash == path.npos) return {};
    start = slash + 1;
  }
}

Result<Fd> open_beneath(const Fd& directory, std::string_view relative, int flags, unsigned mode) {
  TRY(check_relative_path(relative));
  const std::string path(relative);
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno != EINTR && errno != EAGAIN) return open_error(errno, relative);
  }
}

Result<std::size_t> read_full(const Fd& fd, std::span<std::byte> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = ::read(fd.get(), buffer.data() + filled, buffer.size() - filled);
    if (got == 0) break;
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return io_error(errno, "read");
    }
  }
  return filled;
}

Status write_all(const Fd& fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      return io_error(errno, "write");
    }
  }
  return {};
}

Result<std::uint64_t> regular_file_size(const Fd& fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error(errno, "fstat");
  if (!S_ISREG(info.st_mode)) return invalid_input("not a regular file");
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> read_text(const Fd& fd, std::size_t bytes_max) {
  const auto size = TRY(regular_file_size(fd));
  if (size > bytes_max) return exhausted(fmt::format("file has {} bytes, limit {}", size, bytes_max));
  std::string text(static_cast<std::size_t>(size), '\0');
  const auto got = TRY(read_full(fd, std::as_writable_bytes(std::span(text))));
  text.resize(got);
  return text;
}

Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max) {
  const Fd fd = TRY(open_file(path, O_RDONLY));
  return read_text(fd, bytes_max).context(path);
}

Status replace_file(const std::string& path, std::string_view text, unsigned mode,
                    const FileOwner* owner) {
  const std::string staged = fmt::format("{}{}{}", path, kUnfinished, ::getpid());
  // Of a crash in between, or placed there for us to write through: either way not ours.
  ::unlink(staged.c_str());
  Fd file = TRY(open_file(staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  const auto write_and_sync = [&]() -> Status {
    if (owner != nullptr && ::fchown(file.get(), owner->uid, owner->gid) != 0)
      return io_error(errno, "change the owner of " + staged);
    TRY(write_all(file, std::as_bytes(std::span(text))));
    TRY(fsync_fd(file, staged));
    TRY(file.close());
    if (std::rename(staged.c_str(), path.c_str()) != 0) {
      return io_error(errno, fmt::format("rename {} to {}", staged, path));
    }
    const Fd directory = TRY(open_file(parent_of(path), O_RDONLY | O_DIRECTORY));
    return fsync_fd(directory, parent_of(path));
  };
  auto status = write_and_sync();
  if (!status.ok()) ::unlink(staged.c_str());
  return status;
}

void remove_unfinished(const std::string& directory) {
  const auto is_unfinished = [](std::string_view name) {
    const auto at = name.rfind(kUnfinished);
    if (at == name.npos) return false;
    const auto process = name.substr(at + kUnfinished.size());
    return !process.empty() && process.find_first_not_of("0123456789") == process.npos;
  };
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(directory, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_unfinished(name)) ::unlink(entry->path().c_str());
  }
}

Result<FileOwner> owner_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return io_error(errno, path);
  return FileOwner{info.st_uid, info.st_gid};
}

}  // namespace base
