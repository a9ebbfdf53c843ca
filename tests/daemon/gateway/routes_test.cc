#include "daemon/gateway/routes.h"

#include <gtest/gtest.h>

namespace daemon_gateway {
namespace {

int status_of(std::string_view method, std::string_view path) {
  const auto match = match_route(method, path);
  return match.ok() ? 200 : match.error().status;
}

TEST(Routes, KnowTheirMethods) {
  EXPECT_EQ(match_route("POST", "/v1/chat/completions").value().route, Route::kChatCompletions);
  EXPECT_EQ(match_route("POST", "/v1/completions").value().route, Route::kCompletions);
  EXPECT_EQ(match_route("GET", "/v1/models").value().route, Route::kModels);
  EXPECT_EQ(match_route("GET", "/metrics").value().route, Route::kMetrics);
  EXPECT_EQ(match_route("GET", "/health").value().route, Route::kHealth);
  EXPECT_EQ(match_route("GET", "/ready").value().route, Route::kReady);
  EXPECT_EQ(status_of("GET", "/v1/chat/completions"), 405);
  EXPECT_EQ(match_route("DELETE", "/v1/models/a").error().allow, "GET");
  EXPECT_EQ(match_route("PUT", "/v1/completions").error().allow, "POST");
}

TEST(Routes, AreExact) {
  for (const char* path :
       {"/", "/v1", "/v1/", "/v1/models/", "/V1/models", "/v1/models2", "//v1/models", "/health/",
        "/v1/chat/completions/", "/v1/../v1/models", "/metrics/", "/v1/embeddings"}) {
    EXPECT_EQ(status_of("GET", path), 404) << path;
  }
}

TEST(Routes, DecodeModelIdsStrictly) {
  EXPECT_EQ(match_route("GET", "/v1/models/a%2Fb").value().model_id, "a/b");
  EXPECT_EQ(match_route("GET", "/v1/models/a/b").value().model_id, "a/b");
  for (const char* path : {"/v1/models/%", "/v1/models/%2", "/v1/models/%zz", "/v1/models/a%00",
                           "/v1/models/a%0a", "/v1/models/%ff", "/v1/models/%7f"}) {
    EXPECT_EQ(status_of("GET", path), 404) << path;
  }
}

TEST(Routes, AreOpenForHealthAndReadinessAlone) {
  EXPECT_TRUE(is_open_path("/health"));
  EXPECT_TRUE(is_open_path("/ready"));
  for (const char* path : {"/v1/models", "/v1/completions", "/metrics", "/", "/nothing",
                           "/health/x", "/v1/models/a"}) {
    EXPECT_FALSE(is_open_path(path)) << path;
  }
}

}  // namespace
}  // namespace daemon_gateway
