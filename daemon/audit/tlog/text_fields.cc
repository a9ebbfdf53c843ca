#include "daemon/audit/tlog/text_fields.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <span>

#include "provisioning/base64.h"

namespace daemon_audit {

base::Result<std::string_view> take_line(std::string_view& text, std::string_view what) {
  const auto end = text.find('\n');
  if (end == text.npos) return base::invalid_input(fmt::format("{}: the line is missing", what));
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

base::Result<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max,
                                          std::string_view what) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end ||
      (text.size() > 1 && text.front() == '0')) {
    return base::invalid_input(fmt::format("{}: not a decimal number in its one form", what));
  }
  if (value > max) return base::invalid_input(fmt::format("{}: {}, limit {}", what, value, max));
  return value;
}

std::string encode_base64(std::string_view bytes) {
  return provisioning::to_base64(std::as_bytes(std::span(bytes)));
}

base::Result<std::string> decode_base64(std::string_view text, std::string_view what) {
  if (text.find_first_of("-_") != text.npos) {
    return base::invalid_input(fmt::format("{}: base64 in the URL alphabet", what));
  }
  const auto bytes = TRY(provisioning::from_base64(text).context(what));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string encode_hash(const Hash& hash) {
  return provisioning::to_base64(hash);
}

base::Result<Hash> decode_hash(std::string_view text, std::string_view what) {
  constexpr std::size_t kHashTextBytes = 44;
  if (text.size() != kHashTextBytes) {
    return base::invalid_input(
        fmt::format("{}: {} characters, a hash has {}", what, text.size(), kHashTextBytes));
  }
  const std::string bytes = TRY(decode_base64(text, what));
  if (bytes.size() != kHashBytes) {
    return base::invalid_input(fmt::format("{}: not {} bytes", what, kHashBytes));
  }
  Hash hash;
  std::memcpy(hash.data(), bytes.data(), kHashBytes);
  return hash;
}

}  // namespace daemon_audit
