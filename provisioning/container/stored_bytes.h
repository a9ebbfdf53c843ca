// Bytes at rest that are read by position: a file, or the parts of one put together. Positions are
// ours and not the descriptor's, which another process may hold too.
#ifndef PROVISIONING_CONTAINER_STORED_BYTES_H_
#define PROVISIONING_CONTAINER_STORED_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace provisioning {

class StoredBytes {
 public:
  virtual ~StoredBytes() = default;
  virtual std::uint64_t size() const = 0;  // when it was opened
  // Fills `out`; kDenied when there are fewer bytes.
  virtual base::Status read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
  // kDenied when it has another size by now.
  virtual base::Status check_unchanged() = 0;
};

// Up to out.size() bytes; fewer only at the end of the file. pread(2).
base::Result<std::size_t> read_some_at(const base::Fd& file, std::uint64_t offset,
                                       std::span<std::byte> out);

// kInvalidInput unless it is a regular file.
base::Result<std::unique_ptr<StoredBytes>> open_stored_file(base::Fd file);

// Opens a file below `directory` for reading, component by component and through no symbolic link;
// neither a FIFO nor a device can make it wait. By openat(2) and not openat2(2), so that a system
// call filter sees that nothing but O_RDONLY is asked for: O_RDONLY|O_CLOEXEC|O_NOFOLLOW with
// O_DIRECTORY for directories and O_NONBLOCK for files. kDenied when it is no regular file.
base::Result<base::Fd> open_regular_beneath(const base::Fd& directory, std::string_view path);

// The flags of these two calls.
int directory_flags();
int file_flags();

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_STORED_BYTES_H_
