#include "daemon/gateway/request_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/auditor/report_check.h"
#include "daemon/gateway/limits.h"
#include "hardening/base/hex.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using testing::HasSubstr;
using testing::Not;

const std::string kDigest(64, '5');

class RequestRecordTest : public testing::Test {
 protected:
  RequestRecordTest() {
    GatewayConfig config;
    config.audit_salt = std::string(64, '1');
    policy_ = AuditPolicy::take(config).value();
    http_.id = "req-1";
    http_.key_id = "key";
    http_.client = {"192.0.2.1", 9, "TLSv1.3", "TLS_AES_128_GCM_SHA256"};
    http_.head.method = "POST";
    http_.head.path = "/v1/completions";
    http_.received_ns = 1'000'000;
    api_.user = "u";
    api_.tag = "t";
    api_.prompts.resize(1);
    api_.prompts[0].begin.seed = ~std::uint64_t{0};
    api_.prompts[0].begin.temperature = 0.7F;
    api_.prompts[0].begin.time = 1'700'000'000;
  }

  std::unique_ptr<RequestRecord> make() {
    auto record = std::make_unique<RequestRecord>(
        http_, std::make_shared<const AuditPolicy>(policy_), "the body");
    record->asked(api_, "model");
    for (std::uint32_t i = 0; i < api_.prompts.size(); ++i)
      record->admitted(i, {.prompt_tokens = 3, .tokens_max = 50},
                       AnswerMaker{kDigest, "", "kernels"});
    return record;
  }
  daemon_audit::Salt salt() const { return policy_.salt_of("req-1"); }

  // As the auditor takes it.
  static Json checked(const AuditReport& report) {
    const auto taken =
        daemon_auditor::check_report(daemon_audit::Reporter::kGateway, 1,
                                     {1, report.prove, report.type, report.body}, report.sealed);
    EXPECT_TRUE(taken.ok()) << taken.error().message;
    return taken.ok() ? taken.value().body : Json::object();
  }

  AuditPolicy policy_;
  Exchange::Request http_;
  ApiRequest api_;
};

Event token(std::int32_t id, std::string text) {
  Event event;
  event.token = id;
  event.text = std::move(text);
  return event;
}

Event finish(EventFinish how, std::uint32_t tokens) {
  Event event;
  event.finish = how;
  event.completion_tokens = tokens;
  event.cached_prompt_tokens = 2;
  event.device_us = 500;
  return event;
}

TEST_F(RequestRecordTest, TellsWhatWasAdmitted) {
  auto record = make();
  const auto report = record->admission();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().type, "request.admitted");
  const Json body = checked(report.value());
  EXPECT_EQ(body.find("seed")->as_string(), "18446744073709551615");
  EXPECT_EQ(body.find("parameters")->find("temperature")->dump(), "0.7");
  EXPECT_EQ(body.find("prompts")->dump(), R"([{"tokens":3,"tokens_max":50}])");
  EXPECT_EQ(body.find("model")->dump(), R"({"name":"model","digest":")" + kDigest + "\"}");
  EXPECT_EQ(body.find("user")->as_string(), "u");
  EXPECT_EQ(body.find("tag")->as_string(), "t");
  EXPECT_EQ(body.find("created")->as_int(), 1'700'000'000);
  EXPECT_EQ(body.find("body")->find("bytes")->as_int(), 8);
  EXPECT_EQ(body.find("body")->find("digest")->as_string(),
            daemon_audit::digest_body(salt(), "the body"));
  EXPECT_EQ(report.value().body.find("the body"), std::string::npos);
}

TEST_F(RequestRecordTest, TellsWhatCameOfIt) {
  auto record = make();
  ASSERT_TRUE(record->admission().ok());
  Event echoed = token(77, "echoed ");
  echoed.prompt = true;
  record->emitted(0, echoed, 1'500'000);
  record->emitted(0, token(1, "a"), 3'000'000);
  record->emitted(0, token(2, "b"), 4'000'000);
  record->emitted(0, finish(EventFinish::kStop, 3), 5'000'000);
  record->resumed(2);
  const AuditReport report = record->completion({"ok", 200, 6'000'000});
  EXPECT_TRUE(report.ends);
  const Json body = checked(report);
  const std::vector<std::int32_t> tokens = {1, 2};
  EXPECT_EQ(body.find("choices")->dump(),
            R"([{"index":0,"tokens":2,"finish":"stop","tokens_digest":")" +
                daemon_audit::digest_tokens(salt(), 0, tokens) + R"(","text_digest":")" +
                daemon_audit::digest_text(salt(), "echoed ab") + "\"}]");
  EXPECT_EQ(body.find("outcome")->as_string(), "ok");
  EXPECT_EQ(body.find("prompt_tokens")->as_int(), 3);
  EXPECT_EQ(body.find("completion_tokens")->as_int(), 3) << "as the client is told";
  EXPECT_EQ(body.find("cached_tokens")->as_int(), 2);
  EXPECT_EQ(body.find("device_us")->as_int(), 500);
  EXPECT_EQ(body.find("first_token_us")->as_int(), 2'000);
  EXPECT_EQ(body.find("duration_us")->as_int(), 5'000);
  EXPECT_EQ(body.find("resumed")->as_int(), 2);
}

TEST_F(RequestRecordTest, CountsWhatThereIsOfAnAnswerThatWasCutOff) {
  auto record = make();
  ASSERT_TRUE(record->admission().ok());
  record->emitted(0, token(1, "a"), 3'000'000);
  const Json body = checked(record->completion({"cancelled", 0, 4'000'000}));
  EXPECT_EQ(body.find("completion_tokens")->as_int(), 1);
  EXPECT_EQ(body.find("choices")->as_array()[0].find("finish"), nullptr);
}

TEST_F(RequestRecordTest, SaysNothingOfTextsWhereThatIsThePolicy) {
  policy_.text = AuditText::kNone;
  auto record = make();
  EXPECT_THAT(record->admission().value().body, Not(HasSubstr("\"body\"")));
  const AuditReport report = record->completion({"ok", 200, 2'000'000});
  EXPECT_EQ(checked(report).find("choices")->dump(), R"([{"index":0,"tokens":0}])");
  EXPECT_EQ(checked(report).find("body"), nullptr);
}

TEST_F(RequestRecordTest, SealsBodyAndTokensForTheAuditorAlone) {
  auto key = daemon_audit::OpeningKey::generate();
  ASSERT_TRUE(key.ok());
  policy_.text = AuditText::kSealed;
  policy_.sealed_to = daemon_audit::SealingKey::parse_pem(key.value().public_pem().value()).value();
  auto record = make();
  const auto admission = record->admission();
  ASSERT_TRUE(admission.ok());
  checked(admission.value());
  const auto open = [&key](const AuditReport& report) {
    return daemon_audit::open_text(key.value(), "req-1", report.sealed).value();
  };
  EXPECT_EQ(open(admission.value()), "the body");
  record->emitted(0, token(5, "a"), 1'500'000);
  record->emitted(0, token(6, "b"), 1'500'000);
  const AuditReport completion = record->completion({"ok", 200, 2'000'000});
  checked(completion);
  EXPECT_EQ(open(completion), R"({"choices":[[5,6]]})");
}

// Everything as long as it can be.
TEST_F(RequestRecordTest, FitsARecordWhateverIsAsked) {
  api_.user = std::string(kUserBytesMax, '\x01');
  api_.tag = std::string(kTagBytesMax, '\x01');
  api_.prompts.resize(kPromptsMax);
  api_.choices = kChoicesTotalMax / kPromptsMax;
  for (Submission& prompt : api_.prompts) prompt.begin.choices = api_.choices;
  http_.id = "req-" + std::string(32, 'f');
  http_.client.address = "2001:0db8:1111:2222:3333:4444:5555:6666";
  auto record = std::make_unique<RequestRecord>(http_, std::make_shared<const AuditPolicy>(policy_),
                                                std::string(1 << 20, 'b'));
  record->asked(api_, std::string(daemon_ipc::kModelIdBytesMax, '\x01'));
  for (std::uint32_t i = 0; i < kPromptsMax; ++i) {
    record->admitted(i, {.prompt_tokens = 1'000'000, .tokens_max = 1'000'000},
                     AnswerMaker{kDigest, kDigest, std::string(64, 'k')});
  }
  checked(record->admission().value());
  for (std::uint32_t choice = 0; choice < kChoicesTotalMax; ++choice) {
    for (int i = 0; i < 1'000; ++i) record->emitted(choice, token(500, "text"), 1'500'000);
    record->emitted(choice, finish(EventFinish::kCancelled, 1'000), 1'500'000);
  }
  const AuditReport report =
      record->completion({std::string(daemon_ipc::kRefusedNameBytesMax, 'c'), 503, 1 << 30});
  EXPECT_LE(report.body.size(), daemon_ipc::kRecordBodyBytesMax);
  checked(report);
}

TEST_F(RequestRecordTest, MakesAReceiptThatCarriesItsSalt) {
  auto record = make();
  EXPECT_EQ(record->receipt({1, 9, "record", "proof"}).dump(),
            R"({"format":"redoubt-receipt/1","record":"record","proof":"proof","salt":")" +
                base::to_hex(salt()) + "\"}");
}

}  // namespace
}  // namespace daemon_gateway
