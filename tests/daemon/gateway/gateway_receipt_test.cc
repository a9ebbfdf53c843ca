// A client that asks for a receipt gets the record of its request and the proof of it, with the
// answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/audit/seal/salt.h"
#include "hardening/base/hex.h"
#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kWish[] = "x-redoubt-receipt: 1\r\n";

class GatewayReceiptTest : public GatewayFixture {
 protected:
  HttpAnswer ask_with(const std::string& field, const std::string& members = "") const {
    const std::string body =
        R"({"model":"fake/model","messages":[{"role":"user","content":"hello there"}])" + members +
        "}";
    return ask(post("/v1/chat/completions", body, field));
  }
  // As the auditor proves it and the site key salts it.
  std::string expected(const HttpAnswer& answer) {
    const std::string site_key(daemon_audit::kSiteKeyBytes, '\xaa');
    const auto salt =
        daemon_audit::make_salt(std::string_view(site_key), answer.header("x-request-id"));
    const std::string record = "record " + std::to_string(log().through());
    return R"("redoubt_receipt":{"format":"redoubt-receipt/1","record":")" + record +
           R"(","proof":"proof of )" + record + R"(","salt":")" + base::to_hex(salt) + R"("})";
  }
};

TEST_F(GatewayReceiptTest, ComesWithAWholeAnswer) {
  start();
  const HttpAnswer answer = ask_with(kWish);
  EXPECT_EQ(content_of(answer), "hello there");
  EXPECT_THAT(answer.body, HasSubstr(expected(answer)));
  EXPECT_TRUE(log().of_type("request.finished").at(0).prove);
  EXPECT_FALSE(log().of_type("request.admitted").at(0).prove);
}

TEST_F(GatewayReceiptTest, IsTheLastChunkOfAStream) {
  start();
  for (const char* members :
       {R"(,"stream":true)", R"(,"stream":true,"stream_options":{"include_usage":true})"}) {
    const HttpAnswer answer = ask_with(kWish, members);
    EXPECT_EQ(streamed_content(answer.body), "hello there");
    const std::size_t last = answer.body.rfind("data: {");
    const std::string chunk = answer.body.substr(last);
    EXPECT_THAT(chunk, HasSubstr(R"("choices":[])"));
    EXPECT_THAT(chunk, HasSubstr(R"("object":"chat.completion.chunk")"));
    EXPECT_THAT(chunk, HasSubstr(expected(answer)));
    EXPECT_THAT(chunk, testing::EndsWith("}\n\ndata: [DONE]\n\n"));
  }
}

TEST_F(GatewayReceiptTest, IsNotForcedOnAnybody) {
  start();
  const HttpAnswer answer = ask_with("");
  EXPECT_EQ(content_of(answer), "hello there");
  EXPECT_THAT(answer.body, Not(HasSubstr("redoubt_receipt")));
}

TEST_F(GatewayReceiptTest, IsAskedForInOneWay) {
  start();
  for (const char* field : {"x-redoubt-receipt: 0\r\n", "x-redoubt-receipt: true\r\n",
                            "x-redoubt-receipt:\r\n", "X-Redoubt-Receipt: 11\r\n"}) {
    const HttpAnswer answer = ask_with(field);
    EXPECT_EQ(answer.status, 400) << field;
    EXPECT_EQ(error_of(answer),
              (ErrorFields{"invalid_request_error", "x-redoubt-receipt", "invalid_value"}));
  }
  EXPECT_EQ(ask_with(std::string(kWish) + kWish).status, 400) << "twice";
  EXPECT_EQ(ask("GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key() + "\r\n" +
                kWish + "\r\n")
                .status,
            400)
      << "nothing is recorded that could be proven";
}

// The record is in the log, the proof died with its auditor.
TEST_F(GatewayReceiptTest, DoesNotKeepTheAnswerBackWhenTheProofIsLost) {
  start(true, 20);
  TlsClient client(port());
  const std::string body =
      R"({"model":"fake/model","messages":[{"role":"user","content":"count 5"}]})";
  ASSERT_TRUE(client.send(post("/v1/chat/completions", body, kWish)));
  ASSERT_TRUE(eventually([this] { return log().count("request.admitted") == 1; }));
  auditor().fall_silent();
  ASSERT_TRUE(eventually([this] { return log().count("request.finished") == 1; }));
  disconnect_auditor();
  connect_auditor();
  const HttpAnswer answer = client.receive();
  EXPECT_EQ(content_of(answer), "1 2 3 4 5 ");
  EXPECT_THAT(answer.body, Not(HasSubstr("redoubt_receipt")));
}

}  // namespace
}  // namespace daemon_gateway
