// The body of a request as its bytes arrive: by length or chunked, counted before it is kept.
#ifndef DAEMON_GATEWAY_BODY_READER_H_
#define DAEMON_GATEWAY_BODY_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/gateway/header_check.h"

namespace daemon_gateway {

class BodyReader {
 public:
  BodyReader() : BodyReader(Framing::kNone, 0, 0) {}
  // A content_length above bytes_max is the caller's to refuse, before the client is told to go on.
  BodyReader(Framing framing, std::uint64_t content_length, std::size_t bytes_max);

  // Takes bytes from the front of `input` and says how many; the rest belongs to the next request.
  // 413 once the body passes its limit, 400 for a malformed chunk. Chunk extensions and trailers
  // are refused: no client of this API sends them, and readers disagree about them.
  ApiResult<std::size_t> feed(std::string_view input);

  bool complete() const { return state_ == State::kComplete; }
  std::size_t size() const { return body_.size(); }
  std::string take() { return std::exchange(body_, {}); }

 private:
  enum class State : std::uint8_t { kData, kChunkSize, kChunkData, kChunkEnd, kLastEnd, kComplete };

  ApiStatus read_chunk_size(std::string_view line);
  ApiResult<std::size_t> feed_line(std::string_view input);
  std::size_t feed_data(std::string_view input);

  State state_;
  std::uint64_t remaining_;  // of the body, or of the present chunk
  std::size_t bytes_max_;
  std::size_t chunks_ = 0;
  std::string line_;
  std::string body_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_BODY_READER_H_
