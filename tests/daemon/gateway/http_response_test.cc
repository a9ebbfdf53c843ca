#include "daemon/gateway/http_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HttpDate, IsTheFormOfRfc9110) {
  EXPECT_EQ(http_date(784'111'777),
            "Sun, 06 Nov 1994 08:49:37 GMT");  // the example of section 5.6.7
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST(ErrorResponse, IsAWholeMessageThatEndsTheConnection) {
  const std::string text = serialize_error(unauthorized(), "req-1", 0);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nx-request-id: req-1\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nWWW-Authenticate: Bearer\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n"));
  const std::string body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_THAT(body, StartsWith(R"({"error":{"message":)"));
  EXPECT_THAT(
      body, EndsWith(R"("type":"invalid_request_error","param":null,"code":"invalid_api_key"}})"));
}

TEST(ErrorResponse, SaysWhenToComeBackAndWhatIsAllowed) {
  EXPECT_THAT(serialize_error(overloaded("busy", 7), "r", 0), HasSubstr("\r\nRetry-After: 7\r\n"));
  EXPECT_THAT(serialize_error(rate_limited("busy", 3), "r", 0), HasSubstr("HTTP/1.1 429 "));
  EXPECT_THAT(serialize_error(method_not_allowed("POST"), "r", 0),
              HasSubstr("\r\nAllow: POST\r\n"));
  EXPECT_THAT(serialize_error(bad_request("no"), "r", 0), Not(HasSubstr("Retry-After")));
}

TEST(ErrorResponse, KeepsTheClientsTextOutOfTheHeaderBlock) {
  const std::string text = serialize_error(model_not_found("a\r\nSet-Cookie: b"), "r", 0);
  EXPECT_THAT(text, Not(HasSubstr("\r\nSet-Cookie")));
}

TEST(Refusal, FollowsTheErrorTable) {
  using base::ErrorCode;
  const auto status = [](ErrorCode code, std::string api_code = "") {
    return refusal({.id = 1,
                    .code = code,
                    .api_code = std::move(api_code),
                    .param = "",
                    .message = "m"},
                   2)
        .status;
  };
  EXPECT_EQ(status(ErrorCode::kInvalidInput), 400);
  EXPECT_EQ(status(ErrorCode::kExhausted, "context_length_exceeded"), 400);
  EXPECT_EQ(status(ErrorCode::kExhausted), 503);
  EXPECT_EQ(status(ErrorCode::kUnavailable), 503);
  EXPECT_EQ(status(ErrorCode::kUnsupported), 400);
  EXPECT_EQ(status(ErrorCode::kNotFound), 404);
  EXPECT_EQ(status(ErrorCode::kDenied), 403);
  EXPECT_EQ(status(ErrorCode::kDevice), 500);
}

TEST(RequestId, IsNeverTheSame) {
  EXPECT_NE(make_request_id(), make_request_id());
}

}  // namespace
}  // namespace daemon_gateway
