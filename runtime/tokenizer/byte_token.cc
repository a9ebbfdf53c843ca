#include "runtime/tokenizer/byte_token.h"

#include <charconv>

namespace runtime {

std::optional<unsigned char> parse_byte_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  unsigned value = 0;
  const char* end = text.data() + 5;
  const auto [parsed, error] = std::from_chars(text.data() + 3, end, value, 16);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return static_cast<unsigned char>(value);
}

}  // namespace runtime
