// Every address this server answers at: one table, matched by comparison alone.
#ifndef DAEMON_GATEWAY_ROUTES_H_
#define DAEMON_GATEWAY_ROUTES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/gateway/api_error.h"

namespace daemon_gateway {

enum class Route : std::uint8_t {
  kChatCompletions,
  kCompletions,
  kModels,
  kModel,
  kMetrics,
  kHealth,
  kReady
};

struct RouteMatch {
  Route route = Route::kHealth;
  bool has_body = false;      // and takes one of the request slots
  std::string model_id = {};  // with Route::kModel, decoded
};

// Whether a path can be asked for without a key: liveness and readiness alone.
bool is_open_path(std::string_view path);

// 404 for an unknown path, 405 for a known one with another method.
ApiResult<RouteMatch> match_route(std::string_view method, std::string_view path);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ROUTES_H_
