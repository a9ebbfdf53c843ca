// From a complete, authenticated request to its Reply. One for all workers.
#ifndef DAEMON_GATEWAY_API_HANDLER_H_
#define DAEMON_GATEWAY_API_HANDLER_H_

#include "daemon/gateway/engine_status.h"
#include "daemon/gateway/exchange.h"
#include "daemon/gateway/generation.h"
#include "daemon/gateway/reply.h"

namespace daemon_gateway {

class ApiHandler {
 public:
  explicit ApiHandler(GenerationTools tools) : tools_(tools) {}

  // Any thread. The reply's stream borrows the exchange and this.
  Reply handle(Exchange& exchange) const;

 private:
  ApiResult<Reply> route(Exchange& exchange) const;
  ApiResult<Reply> generate(Exchange& exchange) const;
  Reply ready() const;
  Reply metrics() const;

  GenerationTools tools_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_API_HANDLER_H_
