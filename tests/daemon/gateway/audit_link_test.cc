// The writer's end of the audit channel, its auditor played by the test message by message.
#include "daemon/gateway/audit_link.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "daemon/gateway/limits.h"
#include "daemon/ipc/channel.h"

namespace daemon_gateway {
namespace {

class HandClock final : public base::Clock {
 public:
  std::int64_t monotonic_ns() const override { return now_ns; }
  std::int64_t unix_seconds() const override { return 0; }
  std::int64_t now_ns = 1'000'000'000;
};

constexpr std::int64_t kSecondNs = 1'000'000'000;

class AuditLinkTest : public testing::Test {
 protected:
  AuditLinkTest() : mailbox_(Mailbox::create().value()) {}

  void connect(std::uint64_t through) {
    auto ends = daemon_ipc::Channel::create_pair().value();
    ASSERT_TRUE(link_.connect(7, std::move(ends.first)).ok());
    auditor_.emplace(std::move(ends.second));
    say(daemon_ipc::Appended{through});
    say(daemon_ipc::AuditState{});
  }
  void say(const daemon_ipc::Message& message) {
    ASSERT_TRUE(auditor_->send(message).ok());
    link_.on_ready();
  }
  void lose_channel() {
    auditor_.reset();
    link_.on_ready();
  }
  // "1 2 3": the numbers of the records that have come to the auditor since it was asked last.
  std::string numbers() {
    std::string out;
    while (auto message = next()) {
      if (const auto* append = std::get_if<daemon_ipc::Append>(&*message))
        out += (out.empty() ? "" : " ") + std::to_string(append->number);
    }
    return out;
  }
  std::optional<daemon_ipc::Message> next() {
    auto received = auditor_->receive();
    if (!received.ok() || !received.value()) return std::nullopt;
    return std::move(received.value()->message);
  }
  bool report(const std::string& sealed = "", std::shared_ptr<Exchange> waiter = nullptr) {
    return link_.append({.type = "request.refused", .body = "{}", .sealed = sealed},
                        std::move(waiter));
  }
  std::shared_ptr<Exchange> waiter() {
    return std::make_shared<Exchange>(Exchange::Request{}, mailbox_);
  }
  static std::string state_of(Exchange& exchange) {
    Recorded recorded;
    if (exchange.wait_recorded(0, recorded) != Exchange::Wait::kNews) return "waits";
    if (!recorded.durable) return "not kept";
    return recorded.proof ? "proven: " + recorded.proof->proof : "durable";
  }

  HandClock clock_;
  base::Logger logger_{"gateway", base::LogLevel::kError};
  Mailbox mailbox_;
  AuditLink link_{clock_, logger_};
  std::optional<daemon_ipc::Channel> auditor_;
};

TEST_F(AuditLinkTest, IsOfNoUseBeforeAnAuditorHasSpoken) {
  EXPECT_FALSE(link_.health().usable);
  EXPECT_EQ(link_.health().why, "there is no auditor");
  auto ends = daemon_ipc::Channel::create_pair().value();
  ASSERT_TRUE(link_.connect(7, std::move(ends.first)).ok());
  EXPECT_FALSE(link_.health().usable) << "it has said nothing";
  connect(0);
  EXPECT_TRUE(link_.health().usable);
}

TEST_F(AuditLinkTest, TellsWhoWaitsWhenItsRecordIsDurableAndNotBefore) {
  connect(0);
  const auto first = waiter();
  const auto second = waiter();
  ASSERT_TRUE(report("", first));
  ASSERT_TRUE(report("", second));
  EXPECT_EQ(numbers(), "1 2");
  EXPECT_EQ(state_of(*first), "waits");
  say(daemon_ipc::Appended{1});
  EXPECT_EQ(state_of(*first), "durable");
  EXPECT_EQ(state_of(*second), "waits");
  say(daemon_ipc::Appended{2});
  EXPECT_EQ(state_of(*second), "durable");
  EXPECT_EQ(link_.health().pending, 0u);
  EXPECT_EQ(link_.health().durable_total, 2u);
}

TEST_F(AuditLinkTest, SaysAgainWhatIsNotDurableAndNothingElse) {
  connect(0);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(report());
  EXPECT_EQ(numbers(), "1 2 3 4");
  say(daemon_ipc::Appended{1});
  lose_channel();
  const auto waits = waiter();
  ASSERT_TRUE(report("", waits));
  connect(3);
  EXPECT_EQ(numbers(), "4 5");
  say(daemon_ipc::Appended{5});
  EXPECT_EQ(state_of(*waits), "durable");
  lose_channel();
  connect(5);
  EXPECT_EQ(numbers(), "");
}

TEST_F(AuditLinkTest, SendsASealedTextInPiecesBeforeItsRecord) {
  connect(0);
  const std::string sealed(2 * daemon_ipc::kSealedPieceBytesMax + 5, 's');
  ASSERT_TRUE(report(sealed));
  std::string got;
  while (auto message = next()) {
    if (const auto* piece = std::get_if<daemon_ipc::SealedPiece>(&*message)) {
      EXPECT_EQ(piece->number, 1u);
      got.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
    } else {
      EXPECT_EQ(std::get<daemon_ipc::Append>(*message).number, 1u);
      EXPECT_EQ(got, sealed) << "all of it came before";
    }
  }
  EXPECT_EQ(got, sealed);
}

TEST_F(AuditLinkTest, WaitsForAChannelThatIsFullInsteadOfBlocking) {
  connect(0);
  const std::string sealed(std::size_t{8} << 20, 's');
  ASSERT_TRUE(report(sealed));
  EXPECT_TRUE(link_.wants_write());
  std::size_t bytes = 0;
  for (int turn = 0; turn < 10'000 && link_.health().pending > 0; ++turn) {
    while (auto message = next()) {
      if (const auto* piece = std::get_if<daemon_ipc::SealedPiece>(&*message)) {
        bytes += piece->bytes.size();
      } else {
        say(daemon_ipc::Appended{1});
      }
    }
    link_.on_ready();
  }
  EXPECT_EQ(bytes, sealed.size());
  EXPECT_EQ(link_.health().pending, 0u);
  EXPECT_FALSE(link_.wants_write());
}

TEST_F(AuditLinkTest, DoesNotMissAnAuditorThatIsReplacedWithinASecond) {
  connect(0);
  lose_channel();
  EXPECT_TRUE(link_.health().usable);
  clock_.now_ns += kSecondNs;
  EXPECT_TRUE(link_.health().usable);
  clock_.now_ns += 1;
  EXPECT_FALSE(link_.health().usable);
  connect(0);
  EXPECT_TRUE(link_.health().usable);
}

// The auditor may live on: only the supervisor can make them another channel.
TEST_F(AuditLinkTest, AsksOnceForAnotherChannelWhenItsOwnIsLost) {
  EXPECT_FALSE(link_.take_wish_for_introduction());
  connect(0);
  EXPECT_FALSE(link_.take_wish_for_introduction());
  lose_channel();
  EXPECT_TRUE(link_.take_wish_for_introduction());
  EXPECT_FALSE(link_.take_wish_for_introduction());
  connect(0);
  EXPECT_FALSE(link_.take_wish_for_introduction());
}

TEST_F(AuditLinkTest, IsOfNoUseWhileTheAuditorFailsOrIsSilent) {
  connect(0);
  say(daemon_ipc::AuditState{daemon_ipc::AuditCondition::kFailing, "no space left"});
  EXPECT_EQ(link_.health().why, "the audit log cannot be written: no space left");
  say(daemon_ipc::AuditState{});
  EXPECT_TRUE(link_.health().usable);
  ASSERT_TRUE(report());
  clock_.now_ns += kSecondNs;
  EXPECT_TRUE(link_.health().usable);
  clock_.now_ns += 1;
  EXPECT_FALSE(link_.health().usable);
  say(daemon_ipc::Appended{1});
  EXPECT_TRUE(link_.health().usable);
}

TEST_F(AuditLinkTest, KeepsABoundedAmountAndTheEndsOfRequestsWhateverItHolds) {
  connect(0);
  ASSERT_TRUE(report(std::string(kAuditKeptBytesMax - 100, 's')));
  EXPECT_FALSE(report(std::string(100, 's')));
  EXPECT_TRUE(link_.append(
      {.type = "request.finished", .body = "{}", .sealed = std::string(200, 's'), .ends = true},
      nullptr));
  EXPECT_FALSE(report()) << "the bound is passed now";
  EXPECT_EQ(link_.health().pending, 2u);
}

TEST_F(AuditLinkTest, GivesTheProofToWhoWaits) {
  connect(0);
  const auto waits = waiter();
  ASSERT_TRUE(link_.append({.type = "request.finished", .body = "{}", .prove = true}, waits));
  say(daemon_ipc::Proof{1, 41, "record", "text"});
  EXPECT_EQ(state_of(*waits), "waits") << "a proof alone is no word that it is durable";
  say(daemon_ipc::Appended{1});
  EXPECT_EQ(state_of(*waits), "proven: text");
}

TEST_F(AuditLinkTest, EndsAChannelWhoseAuditorSaysWhatCannotBe) {
  const daemon_ipc::Message impossible[] = {
      daemon_ipc::Appended{3},                  // never sent
      daemon_ipc::Appended{0},                  // less than before
      daemon_ipc::Proof{2, 0, "", ""},          // nobody wants one
      daemon_ipc::Proof{1, 0, "", ""},          // durable already
      daemon_ipc::Proof{99, 0, "", ""},         // no such record
      daemon_ipc::Append{3, false, "a", "{}"},  // a writer's
      daemon_ipc::Ping{},
  };
  for (const auto& message : impossible) {
    AuditLink link(clock_, logger_);
    auto ends = daemon_ipc::Channel::create_pair().value();
    ASSERT_TRUE(link.connect(7, std::move(ends.first)).ok());
    daemon_ipc::Channel auditor(std::move(ends.second));
    ASSERT_TRUE(auditor.send(daemon_ipc::Appended{0}).ok());
    link.on_ready();
    ASSERT_TRUE(link.append({.type = "request.refused", .body = "{}"}, nullptr));
    ASSERT_TRUE(link.append({.type = "request.refused", .body = "{}"}, nullptr));
    ASSERT_TRUE(auditor.send(daemon_ipc::Appended{1}).ok());
    link.on_ready();
    ASSERT_GE(link.fd(), 0);
    ASSERT_TRUE(auditor.send(message).ok());
    link.on_ready();
    EXPECT_EQ(link.fd(), -1) << message.index();
    EXPECT_EQ(link.health().pending, 1u) << "nothing is lost";
  }
}

TEST_F(AuditLinkTest, RefusesAnAuditorThatHasLostWhatWasDurable) {
  connect(0);
  ASSERT_TRUE(report());
  say(daemon_ipc::Appended{1});
  lose_channel();
  auto ends = daemon_ipc::Channel::create_pair().value();
  ASSERT_TRUE(link_.connect(7, std::move(ends.first)).ok());
  auditor_.emplace(std::move(ends.second));
  EXPECT_FALSE(link_.forgotten());
  say(daemon_ipc::Appended{0});
  EXPECT_EQ(link_.fd(), -1);
  EXPECT_TRUE(link_.forgotten()) << "the gateway is to be started anew";
  clock_.now_ns += 2 * kSecondNs;
  EXPECT_FALSE(link_.health().usable);
}

TEST_F(AuditLinkTest, IsOneWriterForGood) {
  connect(0);
  auto ends = daemon_ipc::Channel::create_pair().value();
  EXPECT_FALSE(link_.connect(8, std::move(ends.first)).ok());
  EXPECT_GE(link_.fd(), 0);
}

}  // namespace
}  // namespace daemon_gateway
