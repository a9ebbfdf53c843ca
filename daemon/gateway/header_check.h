// The header block of a request, checked on the bytes before anything else believes them.
//
// What this accepts is a small, strict part of RFC 9110 and 9112: CRLF line ends, no folding, no
// escapes that a later reader might decode into line ends, one framing only. A message that two
// readers could understand in two ways is refused. The fuzz target is
// tests/fuzz/http_header_fuzz.cc.
#ifndef DAEMON_GATEWAY_HEADER_CHECK_H_
#define DAEMON_GATEWAY_HEADER_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/gateway/api_error.h"

namespace daemon_gateway {

// Finds the end of a header block as its bytes arrive; each byte is looked at once.
class HeadScanner {
 public:
  // `buffer` is all that was received, from the request line on; it only grows between calls. The
  // size of the block, its empty line included, or nothing yet. 431 and 400 as soon as a limit is
  // passed.
  ApiResult<std::optional<std::size_t>> scan(std::string_view buffer);

 private:
  std::size_t position_ = 0;  // first byte not looked at
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;
};

enum class Framing : std::uint8_t { kNone, kLength, kChunked };

// "1": the client wants a receipt of what is recorded of its request.
inline constexpr std::string_view kReceiptField = "x-redoubt-receipt";

struct HeaderField {
  std::string name;   // lower case
  std::string value;  // printable ASCII and tabs, no space at either end
};

struct RequestHead {
  std::string method;
  std::string path;  // begins with '/', as sent: escapes are not decoded
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;  // with Framing::kLength
  std::vector<HeaderField> fields;

  // The value of a field, or null. Names that matter here occur once at most.
  const std::string* find(std::string_view name) const;
};

// `block` ends with its empty line, as HeadScanner found it.
ApiResult<RequestHead> parse_head(std::string_view block);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_HEADER_CHECK_H_
