// Writing so that it lasts: by position, and synced with the directory that names it.
#ifndef PROVISIONING_CONTAINER_FILE_WRITING_H_
#define PROVISIONING_CONTAINER_FILE_WRITING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace provisioning {

base::Status write_at(const base::Fd& file, std::uint64_t offset, std::span<const std::byte> bytes);
// A text and spaces behind it up to `room` bytes; kExhausted when it does not fit, and nothing is
// written.
base::Status write_padded(const base::Fd& file, std::uint64_t offset, std::size_t room,
                          std::string_view text);

base::Status sync_names_in(const std::string& path);
base::Status sync_parent(const std::string& path);
// A name beside `path` for what is not complete yet; the same in every call of one process. A last
// '/' is dropped.
std::string staged_name(std::string& path);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_FILE_WRITING_H_
