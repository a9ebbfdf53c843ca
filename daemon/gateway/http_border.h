// The one place where cpp-httplib is used: it writes the answer's head and frames its body.
//
// The library never sees a byte of the client's. The request was read, bounded and checked before
// (header_check.h, body_reader.h); what the library parses is a request line of our own making, so
// that its URL decoding, range and multipart parsing, decompression, content reading and regex
// routes have nothing to work on.
#ifndef DAEMON_GATEWAY_HTTP_BORDER_H_
#define DAEMON_GATEWAY_HTTP_BORDER_H_

#include <memory>

#include "daemon/gateway/api_handler.h"
#include "daemon/gateway/exchange.h"

namespace daemon_gateway {

// Belongs to one worker.
class HttpBorder {
 public:
  explicit HttpBorder(const ApiHandler& handler);
  ~HttpBorder();
  HttpBorder(const HttpBorder&) = delete;
  HttpBorder& operator=(const HttpBorder&) = delete;

  // Handles the request and writes its answer into the exchange. Nothing is thrown out of here.
  void serve(Exchange& exchange);

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_HTTP_BORDER_H_
