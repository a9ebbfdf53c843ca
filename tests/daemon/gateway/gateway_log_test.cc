// The gateway with the real auditor and a real log on disk: what clients were told is what the log
// proves.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/log/log_verifier.h"
#include "daemon/audit/seal/salt.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/auditor/auditor.h"
#include "hardening/base/hex.h"
#include "tests/daemon/gateway/gateway_fixture.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_gateway {
namespace {

constexpr char kWish[] = "x-redoubt-receipt: 1\r\n";

class GatewayLogTest : public GatewayFixture {
 protected:
  GatewayLogTest() { without_auditor(); }
  ~GatewayLogTest() override { stop_auditor(); }

  base::Fd directory() const {
    return base::Fd(::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  void start_auditor() {
    daemon_audit::AuditLogOptions options;
    options.host = "appliance";
    options.boot = std::string(32, '0');
    auto opened = daemon_audit::AuditLog::open(directory(), std::move(options), clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    auto control = daemon_ipc::Channel::create_pair().value();
    supervisor_.emplace(std::move(control.first));
    thread_ = std::thread(
        [this, audit_log = std::move(opened).value(), end = std::move(control.second)]() mutable {
          daemon_auditor::Auditor auditor({std::move(audit_log), "", clock_, logger_},
                                          daemon_ipc::Channel(std::move(end)), 900);
          const base::Status status = auditor.run(base::Json::object());
          EXPECT_EQ(status.ok(), !dies_) << (status.ok() ? "" : status.error().message);
        });
    auto ends = daemon_ipc::Channel::create_pair().value();
    ASSERT_TRUE(supervisor_->send(daemon_ipc::AuditChannel{7}, &ends.second).ok());
    tell_audit_channel(ends.first);
    ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 200; }));
  }
  // Without a last word to the log: what its supervisor says cannot be, and it leaves at once.
  void kill_auditor() {
    dies_ = true;
    ASSERT_TRUE(supervisor_->send(daemon_ipc::Drained{}).ok());
    thread_.join();
    dies_ = false;
  }
  void stop_auditor() {
    supervisor_.reset();
    if (thread_.joinable()) thread_.join();
  }
  void begin() {
    start_unintroduced();
    auto ends = daemon_ipc::Channel::create_pair().value();
    tell_channel(ends.first);
    engine_end_ = std::make_unique<FakeEngine>(std::move(ends.second), 1);
    start_auditor();
  }

  daemon_audit::VerifierKey key_of_log() const {
    return daemon_audit::LogReader::open(directory()).value().key();
  }

 private:
  TemporaryDirectory directory_;
  base::SystemClock clock_;
  base::Logger logger_{"auditor", base::LogLevel::kError};
  std::optional<daemon_ipc::Channel> supervisor_;
  std::unique_ptr<FakeEngine> engine_end_;
  std::atomic<bool> dies_ = false;
  std::thread thread_;
};

TEST_F(GatewayLogTest, AReceiptProvesToAnybodyWhatWasAnswered) {
  begin();
  const HttpAnswer answer = ask(post(
      "/v1/chat/completions",
      R"({"model":"fake/model","messages":[{"role":"user","content":"hello there"}]})", kWish));
  ASSERT_EQ(content_of(answer), "hello there");
  const base::Json body = base::Json::parse(answer.body).value();
  const base::Json* const receipt = body.find("redoubt_receipt");
  ASSERT_NE(receipt, nullptr);
  const std::string& text = receipt->find("record")->as_string();
  const auto proof = daemon_audit::TlogProof::parse(receipt->find("proof")->as_string());
  ASSERT_TRUE(proof.ok()) << proof.error().message;
  const auto checked = daemon_audit::check_proof(proof.value(), text, key_of_log());
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  const auto record = daemon_audit::Record::parse(text);
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(record.value().type, "request.finished");
  EXPECT_EQ(record.value().body.find("request")->as_string(), answer.header("x-request-id"));
  const auto salt_bytes = base::from_hex(receipt->find("salt")->as_string()).value();
  daemon_audit::Salt salt;
  ASSERT_EQ(salt_bytes.size(), salt.size());
  std::copy(salt_bytes.begin(), salt_bytes.end(), salt.begin());
  EXPECT_EQ(record.value().body.find("choices")->as_array()[0].find("text_digest")->as_string(),
            daemon_audit::digest_text(salt, "hello there"));
}

TEST_F(GatewayLogTest, TheLogIsWholeAcrossAnAuditorThatIsReplacedInTheMiddleOfAStream) {
  begin();
  EXPECT_EQ(content_of(ask(chat("hello"))), "hello");
  EXPECT_EQ(ask(chat("hello", R"(,"surprise":1)")).status, 400);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 100", R"(,"stream":true)")));
  ASSERT_TRUE(client.read_until("1 "));
  kill_auditor();
  start_auditor();
  const std::string body = client.receive().body;
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n")) << body.substr(body.size() - 200);
  stop_auditor();
  const auto report = daemon_audit::verify_log(directory(), {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_THAT(report.value().findings, testing::IsEmpty());
  EXPECT_EQ(report.value().requests, 2u);
  EXPECT_EQ(report.value().open_requests, 0u);
  EXPECT_EQ(report.value().openings, 2u);
}

}  // namespace
}  // namespace daemon_gateway
