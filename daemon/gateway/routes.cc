#include "daemon/gateway/routes.h"

#include <optional>

#include "hardening/base/utf8.h"

namespace daemon_gateway {
namespace {

struct Row {
  std::string_view method;
  std::string_view path;
  Route route;
  bool has_body;
  bool needs_key;
};

constexpr Row kRoutes[] = {
    {"POST", "/v1/chat/completions", Route::kChatCompletions, true, true},
    {"POST", "/v1/completions", Route::kCompletions, true, true},
    {"GET", "/v1/models", Route::kModels, false, true},
    {"GET", "/metrics", Route::kMetrics, false, true},
    {"GET", "/health", Route::kHealth, false, false},
    {"GET", "/ready", Route::kReady, false, false},
};
constexpr std::string_view kModelPrefix = "/v1/models/";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Nothing for an incomplete escape, a control character or text that is not UTF-8. The result is
// compared with the id of the model and goes nowhere else.
std::optional<std::string> decode_id(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  if (out.empty() || !base::is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace

bool is_open_path(std::string_view path) {
  for (const Row& row : kRoutes) {
    if (row.path == path) return !row.needs_key;
  }
  return false;
}

ApiResult<RouteMatch> match_route(std::string_view method, std::string_view path) {
  for (const Row& row : kRoutes) {
    if (row.path != path) continue;
    if (row.method != method) return method_not_allowed(row.method);
    return RouteMatch{row.route, row.has_body};
  }
  if (!path.starts_with(kModelPrefix)) return not_found();
  if (method != "GET") return method_not_allowed("GET");
  const auto id = decode_id(path.substr(kModelPrefix.size()));
  if (!id) return not_found();
  return RouteMatch{Route::kModel, false, *id};
}

}  // namespace daemon_gateway
