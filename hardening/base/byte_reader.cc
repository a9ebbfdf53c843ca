#include "hardening/base/byte_reader.h"

#include <fmt/format.h>

namespace base {

Result<std::span<const std::byte>> ByteReader::take(std::size_t count, std::string_view what) {
  if (count > remaining()) {
    return invalid_input(
        fmt::format("{}: needs {} bytes at offset {}, {} remain", what, count, position_, remaining()));
  }
  const auto taken = bytes_.subspan(position_, count);
  position_ += count;
  return taken;
}

Result<ByteReader> ByteReader::sub_reader(std::size_t count, std::string_view what) {
  return ByteReader(TRY(take(count, what)));
}

Status ByteReader::expect_end(std::string_view what) const {
  if (!at_end()) return invalid_input(fmt::format("{}: {} bytes after the end", what, remaining()));
  return {};
}

Error ByteReader::too_long(std::string_view what, std::uint64_t bytes, std::size_t bytes_max) {
  return invalid_input(fmt::format("{}: {} bytes, limit {}", what, bytes, bytes_max));
}

}  // namespace base
