// What the auditor takes from whom, and what it answers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/auditor/limits.h"
#include "tests/daemon/auditor/auditor_fixture.h"
#include "tests/daemon/auditor/scripted_log.h"

namespace daemon_auditor {
namespace {

using daemon_ipc::Appended;
using daemon_ipc::AuditCondition;
using daemon_ipc::AuditState;
using daemon_ipc::Proof;

class AuditorChannels : public AuditorTest {
 protected:
  void SetUp() override { start(std::make_unique<ScriptedLog>(script_)); }
  std::vector<std::string> types() {
    std::vector<std::string> types;
    for (const auto& report : script_.read(&LogScript::reports)) types.push_back(report.type);
    return types;
  }

  LogScript script_;
};

TEST_F(AuditorChannels, GreetTheSupervisorWithTheReportTheNumberAndTheState) {
  const auto ready = supervisor_->next();
  ASSERT_TRUE(ready && std::holds_alternative<daemon_ipc::Ready>(*ready));
  EXPECT_EQ(std::get<daemon_ipc::Ready>(*ready).report, R"({"a":1})");
  const auto appended = supervisor_->next();
  ASSERT_TRUE(appended && std::holds_alternative<Appended>(*appended));
  EXPECT_EQ(std::get<Appended>(*appended).through, 0u);
  const auto state = supervisor_->next();
  ASSERT_TRUE(state && std::holds_alternative<AuditState>(*state));
  EXPECT_EQ(std::get<AuditState>(*state).condition, AuditCondition::kAppending);
}

TEST_F(AuditorChannels, AcknowledgeEachWritersOwnNumbers) {
  Peer gateway = connect(1);
  gateway.refuse_request(1);
  gateway.refuse_request(2);
  supervisor_->append(1, "service.started", R"({"version":"1"})");
  EXPECT_EQ(gateway.acknowledged(2), 2u);
  EXPECT_EQ(supervisor_->acknowledged(1), 1u);
  EXPECT_EQ(types().size(), 3u);
}

TEST_F(AuditorChannels, SendAProofBeforeTheAcknowledgementThatCoversIt) {
  Peer gateway = connect(1);
  ASSERT_TRUE(gateway.expect<AuditState>());
  gateway.admit(1, "a");
  gateway.finish(2, "a", true);
  bool proven = false;
  for (std::uint64_t through = 0; through < 2;) {
    const auto message = gateway.next();
    ASSERT_TRUE(message);
    if (const auto* proof = std::get_if<Proof>(&*message)) {
      EXPECT_EQ(proof->number, 2u);
      EXPECT_EQ(proof->index, 1u);
      proven = true;
    } else {
      through = std::get<Appended>(*message).through;
      EXPECT_TRUE(proven || through < 2);
    }
  }
}

TEST_F(AuditorChannels, SendProofsToThoseWhoAskedThoughNumbersAreTheSame) {
  Peer one = connect(1);
  Peer two = connect(2);
  one.admit(1, "a", true);
  two.admit(1, "b", true);
  EXPECT_TRUE(one.expect<Proof>());
  EXPECT_TRUE(two.expect<Proof>());
}

TEST_F(AuditorChannels, EndTheOneThatLeavesANumberOut) {
  Peer gateway = connect(1);
  gateway.refuse_request(1);
  gateway.refuse_request(3);
  EXPECT_TRUE(gateway.ended());
  EXPECT_TRUE(stop().ok());
  EXPECT_EQ(types().size(), 1u) << "what it said before stays";
}

TEST_F(AuditorChannels, EndTheOneThatReportsWhatIsNotItsOwn) {
  Peer gateway = connect(1);
  gateway.append(1, "act", "{}");
  EXPECT_TRUE(gateway.ended());
  EXPECT_TRUE(types().empty());
}

TEST_F(AuditorChannels, EndTheOneThatSaysWhatNoWriterSays) {
  Peer gateway = connect(1);
  ASSERT_TRUE(gateway.send(Appended{7}).ok());
  EXPECT_TRUE(gateway.ended());
}

TEST_F(AuditorChannels, EndTheOneThatFinishesWhatItDidNotAdmit) {
  Peer gateway = connect(1);
  gateway.finish(1, "never");
  EXPECT_TRUE(gateway.ended());
  Peer other = connect(2);
  other.admit(1, "twice");
  other.admit(2, "twice");
  EXPECT_TRUE(other.ended());
  EXPECT_TRUE(stop().ok());
  EXPECT_EQ(types(), (std::vector<std::string>{"request.admitted"}));
}

// The supervisor is trusted, but not to go on after a breach.
TEST_F(AuditorChannels, EndTheAuditorWhereTheSupervisorBreaksTheProtocol) {
  supervisor_->append(5, "service.started", R"({"version":"1"})");
  EXPECT_FALSE(wait().ok());
}

TEST_F(AuditorChannels, GoOnWhereAGatewayWasOnANewChannel) {
  Peer gateway = connect(1);
  gateway.admit(1, "a");
  EXPECT_EQ(gateway.acknowledged(1), 1u);
  Peer again = connect(1);
  const auto first = again.expect<Appended>();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->through, 1u);
  again.finish(2, "a");
  EXPECT_EQ(again.acknowledged(2), 2u);
  EXPECT_TRUE(gateway.ended());
  EXPECT_TRUE(script_.read(&LogScript::forgotten).empty());
}

TEST_F(AuditorChannels, ForgetAGatewayOnceItsLastWordIsWrittenAndAnotherIsThere) {
  {
    Peer gateway = connect(1);
    gateway.admit(1, "a");
    ASSERT_EQ(gateway.acknowledged(1), 1u);
    for (std::uint64_t number = 2; number <= 50; ++number) gateway.refuse_request(number);
  }
  Peer next = connect(2);
  next.refuse_request(1);
  EXPECT_EQ(next.acknowledged(1), 1u);
  next.refuse_request(2);
  EXPECT_EQ(next.acknowledged(2), 2u);
  EXPECT_EQ(script_.read(&LogScript::forgotten), std::vector<std::uint64_t>{1});
  EXPECT_EQ(types().size(), 52u) << "nothing that it had sent is passed over";
}

TEST_F(AuditorChannels, PutTheLargestSealedTextTogether) {
  Peer gateway = connect(1);
  const std::string text(daemon_audit::kSealedBytesMax, 's');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::min(daemon_ipc::kSealedPieceBytesMax, text.size() - at);
    const auto* begin = reinterpret_cast<const std::byte*>(text.data() + at);
    const auto sent = gateway.send(daemon_ipc::SealedPiece{1, {begin, begin + bytes}});
    if (sent.ok()) {
      at += bytes;
    } else {
      ASSERT_EQ(sent.error().code, base::ErrorCode::kUnavailable);
    }
  }
  while (!gateway.send(daemon_ipc::Append{1, false, "request.admitted", admitted_body("r", text)})
              .ok()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(gateway.acknowledged(1), 1u);
  EXPECT_EQ(script_.read(&LogScript::reports).front().sealed, text);
}

TEST_F(AuditorChannels, RefuseASealedTextThatIsLarger) {
  Peer gateway = connect(1);
  const std::vector<std::byte> piece(daemon_ipc::kSealedPieceBytesMax);
  for (std::size_t sent = 0; sent <= daemon_audit::kSealedBytesMax; sent += piece.size()) {
    while (true) {
      const auto status = gateway.send(daemon_ipc::SealedPiece{1, piece});
      if (status.ok()) break;
      if (status.error().code != base::ErrorCode::kUnavailable) return;  // ended, as it should be
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(gateway.ended());
}

TEST_F(AuditorChannels, AnswerPingsWithWhatWasDone) {
  Peer gateway = connect(1);
  gateway.refuse_request(1);
  ASSERT_EQ(gateway.acknowledged(1), 1u);
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Ping{}).ok());
  const auto alive = supervisor_->expect<daemon_ipc::Alive>();
  ASSERT_TRUE(alive);
  EXPECT_FALSE(alive->busy);
  EXPECT_GT(alive->work, 0u);
  const auto stats = base::Json::parse(alive->stats).value();
  EXPECT_EQ(stats.find("records")->as_int(), 1);
  EXPECT_EQ(stats.find("size")->as_int(), 1);
  EXPECT_EQ(stats.find("batches")->as_int(), 1);
  EXPECT_EQ(stats.find("state")->as_string(), "appending");
  EXPECT_EQ(stats.find("failed_ms")->as_int(), 0);
}

TEST_F(AuditorChannels, HandWitnessesNotesToTheLog) {
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Cosign{41, "good"}).ok());
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Cosign{42, "bad"}).ok());
  const auto good = supervisor_->expect<daemon_ipc::Cosigned>();
  const auto bad = supervisor_->expect<daemon_ipc::Cosigned>();
  ASSERT_TRUE(good && bad);
  EXPECT_EQ(good->ticket, 41u);
  EXPECT_TRUE(good->accepted);
  EXPECT_EQ(good->text, "witness one at 5");
  EXPECT_FALSE(bad->accepted);
  EXPECT_EQ(bad->text, "no witness of ours");
}

// A flood by one that never reads an answer: it is not read either, and what it has asked for stays
// within bounds.
TEST_F(AuditorChannels, ReadNoFurtherThanProofsAreTaken) {
  Peer gateway = connect(1);
  std::uint64_t number = 0;
  for (int quiet = 0; quiet < 50;) {
    const auto sent =
        gateway.send(daemon_ipc::Append{number + 1, true, "request.refused", refused_body()});
    if (sent.ok()) {
      ++number;
      quiet = 0;
      if (number == 200'000) FAIL() << "everything is read";
    } else {
      ASSERT_EQ(sent.error().code, base::ErrorCode::kUnavailable);
      ++quiet;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  EXPECT_EQ(gateway.acknowledged(number), number) << "and all of it is, when it reads";
}

TEST_F(AuditorChannels, WriteDownWhatWasSaidBeforeTheEnd) {
  Peer gateway = connect(1);
  for (std::uint64_t number = 1; number <= 1'000; ++number) gateway.refuse_request(number);
  supervisor_->append(1, "service.stopping", R"({"reason":"told to"})");
  EXPECT_TRUE(stop().ok());
  EXPECT_EQ(types().size(), 1'001u);
  EXPECT_TRUE(script_.read(&LogScript::closed));
}

TEST_F(AuditorChannels, PublishWhatIsNew) {
  Peer gateway = connect(1);
  gateway.refuse_request(1);
  ASSERT_EQ(gateway.acknowledged(1), 1u);
  for (int i = 0; i < 300 && script_.read(&LogScript::published) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(script_.read(&LogScript::published), 1u);
}

}  // namespace
}  // namespace daemon_auditor
