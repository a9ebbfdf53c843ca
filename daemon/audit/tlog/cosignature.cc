#include "daemon/audit/tlog/cosignature.h"

#include <fmt/format.h>

#include <limits>

#include "daemon/audit/tlog/checkpoint.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kNameBytesMax = 255;  // opaque<1..2^8-1>

void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

base::Status append_name(std::string& out, std::string_view name, std::string_view what) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return base::invalid_input(
        fmt::format("cosignature: {} of {} bytes, limit {}", what, name.size(), kNameBytesMax));
  }
  out += static_cast<char>(name.size());
  out += name;
  return {};
}

}  // namespace

base::Result<Cosignature> parse_cosignature(std::string_view bytes) {
  if (bytes.size() <= kCosignatureTimeBytes) {
    return base::denied("cosignature: too short to hold a time and a signature");
  }
  std::uint64_t time = 0;
  for (const char c : bytes.substr(0, kCosignatureTimeBytes)) {
    time = (time << 8) | static_cast<unsigned char>(c);
  }
  if (time > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return base::denied("cosignature: its time is beyond 2^63 - 1");
  }
  return Cosignature{.time = time, .signature = bytes.substr(kCosignatureTimeBytes)};
}

std::string cosigned_text(std::uint64_t time, std::string_view text) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time, text);
}

base::Result<std::string> cosigned_message(std::string_view cosigner, std::uint64_t time,
                                           std::string_view text) {
  const Checkpoint checkpoint = TRY(Checkpoint::parse(text));
  std::string message("subtree/v1\n\0", 12);
  TRY(append_name(message, cosigner, "the cosigner's name"));
  append_u64(message, time);
  TRY(append_name(message, checkpoint.origin, "the origin"));
  append_u64(message, 0);
  append_u64(message, checkpoint.size);
  message.append(reinterpret_cast<const char*>(checkpoint.root.data()), checkpoint.root.size());
  return message;
}

}  // namespace daemon_audit
