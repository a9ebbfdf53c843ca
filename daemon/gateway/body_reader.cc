#include "daemon/gateway/body_reader.h"

#include <algorithm>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t content_length, std::size_t bytes_max)
    : state_(State::kComplete), remaining_(0), bytes_max_(bytes_max) {
  if (framing == Framing::kChunked) state_ = State::kChunkSize;
  if (framing == Framing::kLength && content_length > 0) {
    state_ = State::kData;
    remaining_ = content_length;
  }
}

ApiStatus BodyReader::read_chunk_size(std::string_view line) {
  if (line.empty() || line.size() > kChunkLineBytesMax)
    return http_error(400, "A chunk size is malformed.");
  std::uint64_t size = 0;
  for (const char c : line) {
    const int digit = hex_digit(c);
    if (digit < 0) return http_error(400, "A chunk size is malformed.");
    size = size << 4 | static_cast<std::uint64_t>(digit);
  }
  // Compared before it is added to anything: a huge size must not wrap.
  if (size > bytes_max_ || body_.size() > bytes_max_ - size) return too_large(bytes_max_);
  if (++chunks_ > kChunksMax) return http_error(400, "The body has more than 65536 chunks.");
  remaining_ = size;
  state_ = size == 0 ? State::kLastEnd : State::kChunkData;
  return {};
}

// One line that ends in CRLF: a chunk's size, or the empty one after a chunk.
ApiResult<std::size_t> BodyReader::feed_line(std::string_view input) {
  const std::size_t feed = input.find('\n');
  const std::size_t used = feed == std::string_view::npos ? input.size() : feed + 1;
  if (line_.size() + used > kChunkLineBytesMax + 2)
    return http_error(400, "A chunk size is malformed.");
  line_.append(input.substr(0, used));
  if (feed == std::string_view::npos) return used;
  if (!line_.ends_with("\r\n")) return http_error(400, "A chunk's line does not end in CRLF.");
  const std::string line = line_.substr(0, line_.size() - 2);
  line_.clear();
  if (state_ == State::kChunkSize) {
    TRY(read_chunk_size(line));
    return used;
  }
  if (!line.empty())
    return http_error(400, "A chunk is longer than its size, or a trailer follows.");
  state_ = state_ == State::kLastEnd ? State::kComplete : State::kChunkSize;
  return used;
}

std::size_t BodyReader::feed_data(std::string_view input) {
  const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
  body_.append(input.substr(0, used));
  remaining_ -= used;
  if (remaining_ == 0) state_ = state_ == State::kData ? State::kComplete : State::kChunkEnd;
  return used;
}

ApiResult<std::size_t> BodyReader::feed(std::string_view input) {
  std::size_t total = 0;
  while (!input.empty() && state_ != State::kComplete) {
    std::size_t used = 0;
    if (state_ == State::kData || state_ == State::kChunkData) {
      used = feed_data(input);
    } else {
      used = TRY(feed_line(input));
    }
    input.remove_prefix(used);
    total += used;
  }
  return total;
}

}  // namespace daemon_gateway
