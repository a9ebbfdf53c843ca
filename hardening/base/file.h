// The file system calls we use, as fallible values. EINTR is handled here and nowhere else; every
// descriptor made here has CLOEXEC set.
#ifndef HARDENING_BASE_FILE_H_
#define HARDENING_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace base {

// open(2) with O_CLOEXEC. Errors are kNotFound for ENOENT, kDenied for EACCES/EPERM, else kIo; all name the path.
Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0);

// One name below a directory: refuses "", ".", "..", '/', NUL and more than 255 bytes.
Result<std::string> path_component(std::string_view name);

// A relative POSIX path of valid components, at most 4096 bytes: no leading or trailing '/', no "//".
Status check_relative_path(std::string_view path);

// Opens `relative` (checked as above) below `directory`, following no symbolic link in any component.
Result<Fd> open_beneath(const Fd& directory, std::string_view relative, int flags, unsigned mode = 0);

// Reads up to buffer.size() bytes; fewer only at the end of the file.
Result<std::size_t> read_full(const Fd& fd, std::span<std::byte> buffer);

Status write_all(const Fd& fd, std::span<const std::byte> bytes);

// The size of a regular file; anything else is kInvalidInput.
Result<std::uint64_t> regular_file_size(const Fd& fd);

// The whole of a regular file no larger than bytes_max (else kExhausted, before anything is allocated).
Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max);
Result<std::string> read_text(const Fd& fd, std::size_t bytes_max);

// Writes a new file beside `path`, fsyncs it, renames it over `path` and fsyncs the directory: a reader sees
// the old text or the new text, after a power loss too.
// With an `owner` the file is theirs before its first byte is written (which only root can do for others).
struct FileOwner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};
Status replace_file(const std::string& path, std::string_view text, unsigned mode,
                    const FileOwner* owner = nullptr);

// Deletes what calls of replace_file() for files of this directory have left there when the power went. For who holds the lock that keeps
// others from such calls; what cannot be deleted stays.
void remove_unfinished(const std::string& directory);

// Whose a file or directory is.
Result<FileOwner> owner_of(const std::string& path);

}  // namespace base

#endif  // HARDENING_BASE_FILE_H_
