// The header block and body of a request, in one piece and byte by byte: both must come to the same
// end, and what is taken must obey the limits and the framing rules.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/gateway/body_reader.h"
#include "daemon/gateway/header_check.h"
#include "daemon/gateway/limits.h"

namespace {

using daemon_gateway::Framing;

constexpr std::size_t kBodyBytesMax = 1'000;

void require(bool condition) {
  if (!condition) std::abort();
}

// The size of the block; nothing when more is wanted or it is refused.
std::optional<std::size_t> scan(std::string_view text, std::size_t step) {
  daemon_gateway::HeadScanner scanner;
  for (std::size_t end = step;; end += step) {
    const bool last = end >= text.size();
    auto found = scanner.scan(text.substr(0, last ? text.size() : end));
    if (!found.ok()) return std::nullopt;
    if (found.value()) return found.value();
    if (last) return std::nullopt;
  }
}

struct Body {
  bool ok = true;
  std::size_t used = 0;
  std::string bytes;
};

Body read_body(const daemon_gateway::RequestHead& head, std::string_view text, std::size_t step) {
  daemon_gateway::BodyReader reader(head.framing, head.content_length, kBodyBytesMax);
  Body body;
  while (!text.empty() && !reader.complete()) {
    auto used = reader.feed(text.substr(0, step));
    if (!used.ok()) return {false, 0, {}};
    require(reader.size() <= kBodyBytesMax);
    body.used += used.value();
    text.remove_prefix(used.value());
  }
  body.bytes = reader.take();
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = scan(text, text.size() + 1);
  require(whole == scan(text, 1));
  if (!whole) return 0;
  require(*whole <= daemon_gateway::kHeadBytesMax);
  auto head = daemon_gateway::parse_head(text.substr(0, *whole));
  if (!head.ok()) {
    require(head.error().status >= 400 && head.error().status < 500);
    return 0;
  }
  const daemon_gateway::RequestHead& taken = head.value();
  require(taken.path.size() <= daemon_gateway::kPathBytesMax && taken.path.front() == '/');
  require(taken.fields.size() <= daemon_gateway::kHeadFieldsMax);
  require(taken.framing == Framing::kLength || taken.content_length == 0);
  for (const auto& field : taken.fields) {
    require(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  if (taken.framing == Framing::kLength && taken.content_length > kBodyBytesMax) return 0;
  const std::string_view rest = text.substr(*whole);
  const Body at_once = read_body(taken, rest, rest.size());
  const Body bytewise = read_body(taken, rest, 1);
  require(at_once.ok == bytewise.ok && at_once.bytes == bytewise.bytes &&
          at_once.used == bytewise.used);
  return 0;
}
