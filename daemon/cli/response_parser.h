// An HTTP/1.1 response (RFC 9112) in pieces as they arrive: status, then the body without its
// framing. Only what our own gateway sends is understood; everything is bounded.
#ifndef DAEMON_CLI_RESPONSE_PARSER_H_
#define DAEMON_CLI_RESPONSE_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_cli {

class ResponseParser {
 public:
  static constexpr std::size_t kHeaderLineBytesMax = 8 * 1024;
  static constexpr std::size_t kHeaderLinesMax = 100;
  static constexpr std::size_t kChunkLineBytesMax =
      256;  // a chunk's size and extensions; a trailer line

  // The next bytes of the connection. Body bytes are appended to `body`.
  base::Status feed(std::string_view bytes, std::string& body);
  // The connection has ended: kUnavailable when the response had not.
  base::Status finish() const;

  int status() const { return status_; }  // 0: not known yet
  bool complete() const { return state_ == State::kComplete; }

 private:
  enum class State : std::uint8_t {
    kHeader,
    kCounted,
    kUntilEnd,
    kChunkSize,
    kChunk,
    kChunkEnd,
    kTrailer,
    kComplete
  };

  base::Status parse_header();
  base::Status parse_field(std::string_view line);
  base::Status parse_chunk_size(std::string_view line);
  // Whether a whole line, of at most `bytes_max`, is there; it is moved to line_. However the bytes
  // arrive, the same lines are too long.
  base::Result<bool> take_line(std::size_t bytes_max);
  base::Status step(std::string& body, bool& moved);

  State state_ = State::kHeader;
  int status_ = 0;
  bool chunked_ = false;
  bool counted_ = false;
  std::uint64_t remaining_ = 0;  // of a counted body or a chunk
  std::string buffer_;
  std::string line_;
  std::size_t header_lines_ = 0;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_RESPONSE_PARSER_H_
