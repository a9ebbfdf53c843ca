#include "provisioning/container/file_writing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "hardening/base/file.h"

namespace provisioning {

base::Status write_at(const base::Fd& file, std::uint64_t offset,
                      std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put =
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    } else if (errno != EINTR) {
      return base::io_error(errno, fmt::format("write at byte {}", offset));
    }
  }
  return {};
}

base::Status write_padded(const base::Fd& file, std::uint64_t offset, std::size_t room,
                          std::string_view text) {
  if (text.size() > room) {
    return base::exhausted(
        fmt::format("{} bytes do not fit the {} that the bundle has room for", text.size(), room));
  }
  std::string padded(text);
  padded.resize(room, ' ');
  return write_at(file, offset, std::as_bytes(std::span(padded)));
}

base::Status sync_names_in(const std::string& path) {
  const base::Fd directory = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) != 0) return base::io_error(errno, "fsync " + path);
  return {};
}

base::Status sync_parent(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return sync_names_in(".");
  return sync_names_in(slash == 0 ? "/" : path.substr(0, slash));
}

std::string staged_name(std::string& path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return fmt::format("{}.new-{}", path, ::getpid());
}

}  // namespace provisioning
