// The log cannot be written: everybody knows, nothing is lost, nothing grows without bound, and it
// goes on by itself.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/auditor/limits.h"
#include "tests/daemon/auditor/auditor_fixture.h"
#include "tests/daemon/auditor/scripted_log.h"

namespace daemon_auditor {
namespace {

using daemon_ipc::AuditCondition;
using daemon_ipc::AuditState;

// No member of a gateway's record is long: spaces make the report so.
std::string large_body() {
  return refused_body() + std::string(30'000, ' ');
}

class AuditorFailing : public AuditorTest {
 protected:
  void SetUp() override { start(std::make_unique<ScriptedLog>(script_)); }

  AuditState expect_state(Peer& peer, AuditCondition condition) {
    while (true) {
      const auto state = peer.expect<AuditState>();
      if (!state || state->condition == condition) return state.value_or(AuditState{});
    }
  }

  LogScript script_;
};

TEST_F(AuditorFailing, TellsEverybodyWhyAndThenThatItIsOver) {
  Peer gateway = connect(1);
  script_.fail("no space left");
  gateway.refuse_request(1);
  EXPECT_EQ(expect_state(gateway, AuditCondition::kFailing).text, "no space left");
  EXPECT_EQ(expect_state(*supervisor_, AuditCondition::kFailing).text, "no space left");
  Peer later = connect(2);
  EXPECT_EQ(expect_state(later, AuditCondition::kFailing).text, "no space left");
  script_.fail("");
  expect_state(gateway, AuditCondition::kAppending);
  expect_state(*supervisor_, AuditCondition::kAppending);
  EXPECT_EQ(script_.read(&LogScript::reports).back().type, "log.resumed");
}

TEST_F(AuditorFailing, WritesWhatWaitedAndThenHowLongItWas) {
  Peer gateway = connect(1);
  script_.fail("no space left");
  for (std::uint64_t number = 1; number <= 20; ++number) gateway.refuse_request(number);
  supervisor_->append(1, "health.changed", health_body("x"));
  expect_state(gateway, AuditCondition::kFailing);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  script_.fail("");
  EXPECT_EQ(gateway.acknowledged(20), 20u);
  EXPECT_EQ(supervisor_->acknowledged(1), 1u);
  expect_state(gateway, AuditCondition::kAppending);
  const auto reports = script_.read(&LogScript::reports);
  ASSERT_EQ(reports.size(), 22u);
  EXPECT_EQ(reports.back().type, "log.resumed");
  EXPECT_EQ(reports.back().writer, 0u);
  EXPECT_EQ(reports.back().number, 1u);
  EXPECT_GE(reports.back().body.find("failed_ms")->as_int(), 600);
  EXPECT_EQ(reports.back().body.find("why")->as_string(), "no space left");
  const auto attempts = script_.read(&LogScript::attempts);
  EXPECT_LE(attempts, 8u) << "four a second, not more";
}

TEST_F(AuditorFailing, AcknowledgesNothingMeanwhile) {
  Peer gateway = connect(1);
  script_.fail("no space left");
  gateway.refuse_request(1);
  expect_state(gateway, AuditCondition::kFailing);
  EXPECT_FALSE(gateway.next(400)) << "another word";
}

TEST_F(AuditorFailing, ReadsUpToItsBoundAndAnswersPingsBeyondIt) {
  Peer gateway = connect(1);
  script_.fail("no space left");
  std::uint64_t number = 0;
  const std::string body = large_body();
  for (int quiet = 0; quiet < 100;) {
    const auto sent = gateway.send(daemon_ipc::Append{number + 1, false, "request.refused", body});
    if (sent.ok()) {
      ++number;
      quiet = 0;
      ASSERT_LT(number, 2'000u) << "it takes everything in";
    } else {
      ++quiet;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  EXPECT_GE(number * body.size(), kWaitingBytesMax);
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Ping{}).ok());
  const auto alive = supervisor_->expect<daemon_ipc::Alive>();
  ASSERT_TRUE(alive);
  const auto stats = base::Json::parse(alive->stats).value();
  EXPECT_EQ(stats.find("state")->as_string(), "failing");
  EXPECT_GT(stats.find("failed_ms")->as_int(), 0);
  EXPECT_LE(stats.find("waiting")->as_int() * static_cast<std::int64_t>(body.size()),
            static_cast<std::int64_t>(kWaitingBytesMax + body.size()));
  script_.fail("");
  EXPECT_EQ(gateway.acknowledged(number), number);
}

TEST_F(AuditorFailing, KeepsTheLastWordsOfAGatewayThatIsGone) {
  script_.fail("no space left");
  {
    Peer gateway = connect(1);
    gateway.admit(1, "a");
    expect_state(gateway, AuditCondition::kFailing);
    gateway.refuse_request(2);
  }
  Peer next = connect(2);
  next.refuse_request(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  script_.fail("");
  EXPECT_EQ(next.acknowledged(1), 1u);
  expect_state(next, AuditCondition::kAppending);
  EXPECT_EQ(script_.read(&LogScript::forgotten), std::vector<std::uint64_t>{1});
  EXPECT_EQ(script_.read(&LogScript::reports).size(), 4u) << "three, and that it resumed";
}

TEST_F(AuditorFailing, SaysAtTheEndThatItCouldNotKeepEverything) {
  Peer gateway = connect(1);
  script_.fail("no space left");
  gateway.refuse_request(1);
  expect_state(gateway, AuditCondition::kFailing);
  const auto status = stop();
  ASSERT_FALSE(status.ok());
  EXPECT_FALSE(script_.read(&LogScript::closed));
}

class AuditorRefused : public AuditorTest {
 protected:
  void SetUp() override { start(nullptr); }
};

TEST_F(AuditorRefused, SaysSoAndAcknowledgesNothing) {
  ASSERT_TRUE(supervisor_->expect<daemon_ipc::Ready>());
  const auto state = supervisor_->next();
  ASSERT_TRUE(state && std::holds_alternative<AuditState>(*state));
  EXPECT_EQ(std::get<AuditState>(*state).text, "the log is damaged");
  Peer gateway = connect(1);
  gateway.refuse_request(1);
  EXPECT_FALSE(gateway.next(100));
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Ping{}).ok());
  EXPECT_TRUE(supervisor_->expect<daemon_ipc::Alive>());
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Cosign{1, "good"}).ok());
  const auto cosigned = supervisor_->expect<daemon_ipc::Cosigned>();
  ASSERT_TRUE(cosigned);
  EXPECT_FALSE(cosigned->accepted);
  EXPECT_TRUE(stop().ok());
}

}  // namespace
}  // namespace daemon_auditor
