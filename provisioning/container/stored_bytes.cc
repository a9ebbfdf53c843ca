#include "provisioning/container/stored_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace provisioning {
namespace {

class StoredFile final : public StoredBytes {
 public:
  StoredFile(base::Fd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  std::uint64_t size() const override { return size_; }

  base::Status read_at(std::uint64_t offset, std::span<std::byte> out) override {
    const auto got = TRY(read_some_at(file_, offset, out));
    if (got != out.size()) return base::denied(fmt::format("it ends at byte {}", offset + got));
    return {};
  }

  base::Status check_unchanged() override {
    const auto now = TRY(base::regular_file_size(file_));
    if (now != size_)
      return base::denied(fmt::format("it had {} bytes and has {} now", size_, now));
    return {};
  }

 private:
  base::Fd file_;
  std::uint64_t size_;
};

base::Result<base::Fd> open_component(int directory, const std::string& name, int flags) {
  for (;;) {
    const int fd = ::openat(directory, name.c_str(), flags);
    if (fd >= 0) return base::Fd(fd);
    if (errno == EINTR) continue;
    if (errno == ENOENT) return base::not_found("is not there");
    // Of a symbolic link; of a file where a directory should be; of a socket or a device without a
    // driver.
    if (errno == ELOOP || errno == ENOTDIR || errno == ENXIO || errno == ENODEV) {
      return base::denied("is not a regular file below directories");
    }
    return base::io_error(errno, "open");
  }
}

}  // namespace

int directory_flags() {
  return O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;
}
int file_flags() {
  return O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
}

base::Result<std::size_t> read_some_at(const base::Fd& file, std::uint64_t offset,
                                       std::span<std::byte> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = ::pread(file.get(), out.data() + filled, out.size() - filled,
                                static_cast<off_t>(offset + filled));
    if (got == 0) break;
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return base::io_error(errno, fmt::format("read at byte {}", offset + filled));
    }
  }
  return filled;
}

base::Result<std::unique_ptr<StoredBytes>> open_stored_file(base::Fd file) {
  const auto size = TRY(base::regular_file_size(file));
  return std::unique_ptr<StoredBytes>(std::make_unique<StoredFile>(std::move(file), size));
}

base::Result<base::Fd> open_regular_beneath(const base::Fd& directory, std::string_view path) {
  const auto open = [&]() -> base::Result<base::Fd> {
    TRY(base::check_relative_path(path));
    base::Fd below;
    int at = directory.get();
    std::string_view rest = path;
    for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
      below = TRY(open_component(at, std::string(rest.substr(0, slash)), directory_flags()));
      at = below.get();
      rest.remove_prefix(slash + 1);
    }
    base::Fd file = TRY(open_component(at, std::string(rest), file_flags()));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return base::io_error(errno, "fstat");
    if (!S_ISREG(info.st_mode)) return base::denied("is not a regular file");
    return file;
  };
  return open().context(base::Json(path).dump());
}

}  // namespace provisioning
