// What a request handler gives back: a JSON body, or a stream that is asked for its next piece
// until it ends.
#ifndef DAEMON_GATEWAY_REPLY_H_
#define DAEMON_GATEWAY_REPLY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/gateway/http_response.h"

namespace daemon_gateway {

class ReplyStream {
 public:
  virtual ~ReplyStream() = default;

  enum class Step : std::uint8_t {
    kMore,   // send the piece and ask again
    kEnd,    // send the piece; the answer is complete
    kFail,   // send the piece and end the connection: the answer is not complete
    kAbort,  // nobody listens any more
  };
  virtual Step next(std::string& out_piece) = 0;  // may block
};

struct Reply {
  int status = 200;
  Headers headers;
  std::string body;
  const char* content_type = "application/json";  // a literal
  std::unique_ptr<ReplyStream> stream;            // instead of a body: text/event-stream
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_REPLY_H_
