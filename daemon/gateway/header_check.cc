#include "daemon/gateway/header_check.h"

#include <algorithm>
#include <array>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

constexpr std::size_t kContentLengthDigitsMax = 18;  // below 2^63

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// RFC 9110 section 5.6.2
bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// RFC 3986 pchar and '/': no '?', no '#', nothing outside ASCII.
bool is_path_char(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("-._~!$&'()*+,;=:@/%").find(c) != std::string_view::npos;
}

bool is_value_char(char c) {
  return c == '\t' || (c >= ' ' && c <= '~');
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "%0d" and "%0a": some readers decode them after checking for line ends (CVE-2026-45372).
bool has_escaped_line_end(std::string_view value) {
  for (std::size_t i = 0; i + 2 < value.size(); ++i) {
    if (value[i] != '%' || value[i + 1] != '0') continue;
    if (lower(value[i + 2]) == 'd' || lower(value[i + 2]) == 'a') return true;
  }
  return false;
}

ApiStatus parse_request_line(std::string_view line, RequestHead& head) {
  const std::size_t method_end = line.find(' ');
  if (method_end == 0 || method_end > 16) return http_error(400, "The request line is malformed.");
  head.method = line.substr(0, method_end);
  if (!std::all_of(head.method.begin(), head.method.end(), is_token_char)) {
    return http_error(400, "The request method is malformed.");
  }
  line.remove_prefix(method_end + 1);
  const std::size_t target_end = line.find(' ');
  if (target_end == std::string_view::npos)
    return http_error(400, "The request line is malformed.");
  const std::string_view target = line.substr(0, target_end);
  const std::string_view version = line.substr(target_end + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return http_error(400, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  }
  head.http_1_0 = version == "HTTP/1.0";
  if (target.size() > kPathBytesMax)
    return http_error(414, "The request path is longer than 256 bytes.");
  if (target.find('?') != std::string_view::npos) {
    return http_error(400, "No address here takes a query ('?').");
  }
  if (target.empty() || target.front() != '/' ||
      !std::all_of(target.begin(), target.end(), is_path_char)) {
    return http_error(400, "The request path is malformed.");
  }
  head.path = target;
  return {};
}

ApiStatus parse_field(std::string_view line, RequestHead& head) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos)
    return http_error(400, "A header field has no name.");
  const std::string_view name = line.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), is_token_char)) {
    return http_error(
        400, "A header field name is malformed.");  // folded lines begin with a space: here too
  }
  const std::string_view value = trim(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_char) || has_escaped_line_end(value)) {
    return http_error(400, "A header field value has characters that are not allowed.");
  }
  head.fields.push_back({to_lower(name), std::string(value)});
  return {};
}

// Fields whose repetition would let two readers disagree.
constexpr std::array<std::string_view, 9> kOnceOnly = {
    "host",          "content-length",   "transfer-encoding", "content-type", "expect",
    "authorization", "content-encoding", "connection",        kReceiptField};

ApiStatus check_repetition(const RequestHead& head) {
  for (const std::string_view name : kOnceOnly) {
    const auto count =
        std::count_if(head.fields.begin(), head.fields.end(),
                      [name](const HeaderField& field) { return field.name == name; });
    if (count > 1)
      return http_error(400, "Header field '" + std::string(name) + "' is given twice.");
  }
  return {};
}

ApiStatus read_framing(RequestHead& head) {
  const std::string* const length = head.find("content-length");
  const std::string* const coding = head.find("transfer-encoding");
  if (head.find("content-encoding") != nullptr) {
    return http_error(415, "Content-Encoding is not accepted: send the body as it is.");
  }
  if (head.find("trailer") != nullptr) return http_error(400, "Trailers are not accepted.");
  if (length != nullptr && coding != nullptr) {
    return http_error(400, "Content-Length and Transfer-Encoding exclude each other.");
  }
  if (coding != nullptr) {
    if (head.http_1_0 || to_lower(*coding) != "chunked") {
      return http_error(400, "The only Transfer-Encoding accepted is 'chunked', with HTTP/1.1.");
    }
    head.framing = Framing::kChunked;
  } else if (length != nullptr) {
    if (length->empty() || length->size() > kContentLengthDigitsMax ||
        !std::all_of(length->begin(), length->end(), is_digit)) {
      return http_error(400, "Content-Length is not a decimal number in range.");
    }
    head.framing = Framing::kLength;
    for (const char digit : *length) {
      head.content_length = head.content_length * 10 + static_cast<std::uint64_t>(digit - '0');
    }
  }
  return {};
}

ApiStatus read_connection(RequestHead& head) {
  if (head.find("upgrade") != nullptr)
    return http_error(400, "This server upgrades to no other protocol.");
  if (!head.http_1_0 && head.find("host") == nullptr)
    return http_error(400, "Header field 'host' is missing.");
  head.keep_alive = !head.http_1_0;
  if (const std::string* const connection = head.find("connection"); connection != nullptr) {
    const std::string options = "," + to_lower(*connection) + ",";
    if (options.find("close") != std::string::npos) head.keep_alive = false;
  }
  if (const std::string* const expect = head.find("expect"); expect != nullptr) {
    if (to_lower(*expect) != "100-continue")
      return http_error(417, "Only 'Expect: 100-continue' can be met.");
    head.expects_continue = !head.http_1_0;
  }
  return {};
}

}  // namespace

ApiResult<std::optional<std::size_t>> HeadScanner::scan(std::string_view buffer) {
  for (; position_ < buffer.size(); ++position_) {
    if (position_ >= kHeadBytesMax)
      return http_error(431, "The header block is larger than 32 KiB.");
    if (position_ - line_start_ >= kHeadLineBytesMax) {
      return lines_ == 0 ? http_error(414, "The request line is longer than 8 KiB.")
                         : http_error(431, "A header line is longer than 8 KiB.");
    }
    const char c = buffer[position_];
    if (c == '\0') return http_error(400, "The header block contains a NUL byte.");
    // Looked at from the second byte of a pair, so that it does not matter how the bytes arrive.
    if (c != '\n' && position_ > line_start_ && buffer[position_ - 1] == '\r') {
      return http_error(400, "A carriage return stands without its line feed.");
    }
    if (c != '\n') continue;
    if (position_ == line_start_ || buffer[position_ - 1] != '\r') {
      return http_error(400, "A line feed stands without its carriage return.");
    }
    const bool empty = position_ - line_start_ == 1;
    line_start_ = position_ + 1;
    if (empty && lines_ == 0) return http_error(400, "The request line is missing.");
    if (empty) return std::optional<std::size_t>(++position_);
    if (++lines_ > kHeadFieldsMax + 1)
      return http_error(431, "There are more than 100 header fields.");
  }
  return std::optional<std::size_t>();
}

const std::string* RequestHead::find(std::string_view name) const {
  for (const HeaderField& field : fields) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

ApiResult<RequestHead> parse_head(std::string_view block) {
  RequestHead head;
  bool first = true;
  while (true) {
    const std::size_t end = block.find("\r\n");
    if (end == std::string_view::npos) return http_error(400, "The header block has no end.");
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(end + 2);
    if (line.empty()) break;
    TRY(first ? parse_request_line(line, head) : parse_field(line, head));
    first = false;
  }
  if (first || !block.empty()) return http_error(400, "The header block is malformed.");
  TRY(check_repetition(head));
  TRY(read_framing(head));
  TRY(read_connection(head));
  return head;
}

}  // namespace daemon_gateway
