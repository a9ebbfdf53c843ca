#include "daemon/supervisor/audit_writer.h"

#include <gmock/gmock.h>

#include <vector>

namespace daemon_supervisor {
namespace {

using base::Json;
using testing::ElementsAre;
using testing::HasSubstr;

// What an auditor was told, and how much its channel takes.
struct FakeAuditor {
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> bodies;
  std::size_t room = 1'000'000;

  void hear(AuditWriter& writer, std::int64_t now = 0) {
    writer.send(
        [this](const daemon_ipc::Append& append) {
          if (numbers.size() >= room) return false;
          numbers.push_back(append.number);
          bodies.push_back(append.body);
          return true;
        },
        now);
  }
};

std::uint64_t stopping(AuditWriter& writer) {
  return writer.report("service.stopping", Json::object({{"reason", "SIGTERM"}}));
}

TEST(AuditWriter, SaysNothingBeforeTheAuditorHasSaidWhereItIs) {
  AuditWriter writer;
  EXPECT_EQ(stopping(writer), 1u);
  FakeAuditor auditor;
  auditor.hear(writer);
  EXPECT_TRUE(auditor.numbers.empty());
  ASSERT_TRUE(writer.appended(0, 0).ok());
  auditor.hear(writer);
  EXPECT_THAT(auditor.numbers, ElementsAre(1u));
  EXPECT_FALSE(writer.durable(1));
  ASSERT_TRUE(writer.appended(1, 0).ok());
  EXPECT_TRUE(writer.durable(1));
  EXPECT_TRUE(writer.all_durable());
}

TEST(AuditWriter, SaysAgainToTheNextAuditorWhatWasNotDurable) {
  AuditWriter writer;
  for (int i = 0; i < 4; ++i) stopping(writer);
  ASSERT_TRUE(writer.appended(0, 0).ok());
  FakeAuditor first;
  first.hear(writer);
  ASSERT_TRUE(writer.appended(1, 0).ok());
  // It wrote down another one, and died before it could say so.
  writer.restart();
  stopping(writer);
  ASSERT_TRUE(writer.appended(2, 0).ok());
  FakeAuditor second;
  second.hear(writer);
  EXPECT_THAT(second.numbers, ElementsAre(3u, 4u, 5u));
}

TEST(AuditWriter, WaitsForAChannelThatIsFull) {
  AuditWriter writer;
  ASSERT_TRUE(writer.appended(0, 0).ok());
  for (int i = 0; i < 3; ++i) stopping(writer);
  FakeAuditor auditor;
  auditor.room = 2;
  auditor.hear(writer);
  EXPECT_THAT(auditor.numbers, ElementsAre(1u, 2u));
  auditor.room = 3;
  auditor.hear(writer);
  EXPECT_THAT(auditor.numbers, ElementsAre(1u, 2u, 3u));
}

TEST(AuditWriter, DoesNotBelieveAnAuditorThatClaimsWhatItWasNotTold) {
  AuditWriter writer;
  stopping(writer);
  EXPECT_FALSE(writer.appended(2, 0).ok());
  ASSERT_TRUE(writer.appended(0, 0).ok());
  EXPECT_FALSE(writer.appended(1, 0).ok());  // nothing was sent to it
  FakeAuditor auditor;
  auditor.hear(writer);
  ASSERT_TRUE(writer.appended(1, 0).ok());
  const auto back = writer.appended(0, 0);
  ASSERT_FALSE(back.ok());
  EXPECT_THAT(back.error().message, HasSubstr("record 0 is durable, of 1 to 1"));
}

TEST(AuditWriter, CountsWhatItHasNoRoomForAndSaysSo) {
  AuditWriter writer;
  std::size_t kept = 0;
  while (stopping(writer) != 0) ++kept;
  EXPECT_LE(kept, AuditWriter::kKeptMax);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(stopping(writer), 0u);
  ASSERT_TRUE(writer.appended(0, 0).ok());
  FakeAuditor auditor;
  while (auditor.numbers.size() < kept) {
    auditor.hear(writer);
    ASSERT_TRUE(writer.appended(auditor.numbers.size(), 0).ok());
  }
  EXPECT_EQ(stopping(writer), kept + 2);
  auditor.hear(writer);
  EXPECT_THAT(auditor.bodies[kept], HasSubstr("7 records of the supervisor were not kept"));
  EXPECT_THAT(auditor.bodies[kept + 1], HasSubstr("SIGTERM"));
}

TEST(AuditWriter, HasNoMoreOnItsWayThanAnAuditorHolds) {
  AuditWriter writer;
  ASSERT_TRUE(writer.appended(0, 0).ok());
  const std::string facts(30'000, 'x');
  for (int i = 0; i < 100; ++i) {
    writer.report("role.ready", Json::object({{"name", "engine"}, {"start", 1}, {"facts", facts}}));
  }
  FakeAuditor auditor;
  auditor.hear(writer);
  EXPECT_GE(auditor.numbers.size(), 30u);
  EXPECT_LE(auditor.numbers.size(), AuditWriter::kSentBytesMax / facts.size() + 1);
  const std::size_t before = auditor.numbers.size();
  ASSERT_TRUE(writer.appended(5, 0).ok());
  auditor.hear(writer);
  EXPECT_EQ(auditor.numbers.size(), before + 5);
}

TEST(AuditWriter, KnowsForHowLongAnAcknowledgementIsOwed) {
  AuditWriter writer;
  stopping(writer);
  EXPECT_EQ(writer.unacknowledged_ms(9'000), 0);  // nobody was told
  ASSERT_TRUE(writer.appended(0, 9'000).ok());
  FakeAuditor auditor;
  auditor.hear(writer, 10'000);
  EXPECT_EQ(writer.unacknowledged_ms(12'500), 2'500);
  ASSERT_TRUE(writer.appended(1, 12'500).ok());
  EXPECT_EQ(writer.unacknowledged_ms(20'000), 0);
}

TEST(AuditWriter, WhatNoRecordMaySayIsReportedAsOurMistake) {
  AuditWriter writer;
  ASSERT_TRUE(writer.appended(0, 0).ok());
  writer.report("service.stopping", Json::object({{"prompt", "secret"}}));
  FakeAuditor auditor;
  auditor.hear(writer);
  EXPECT_THAT(auditor.bodies.at(0), HasSubstr("not recorded"));
  EXPECT_EQ(auditor.bodies.at(0).find("secret"), std::string::npos);
}

TEST(AuditWriter, ABodyIsMadeToFit) {
  Json body = Json::object({{"seed", std::uint64_t{1} << 63}, {"a", std::int64_t{1} << 60}});
  body.set("text", "\xff");
  EXPECT_EQ(fit_body(body).value(),
            "{\"a\":\"1152921504606846976\",\"seed\":\"9223372036854775808\","
            "\"text\":\"\xef\xbf\xbd\"}");
  Json large = Json::object({{"name", "engine"}});
  large.set("facts", Json::object({{"text", std::string(70'000, 'x')}}));
  EXPECT_EQ(fit_body(large).value(), "{\"facts\":{\"cut\":true},\"name\":\"engine\"}");
  EXPECT_FALSE(fit_body(Json::object({{"text", std::string(70'000, 'x')}})).ok());
}

TEST(AuditWriter, WritersAreNeverZeroNorTheOther) {
  std::uint64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t writer = make_writer(last);
    EXPECT_NE(writer, 0u);
    EXPECT_NE(writer, last);
    EXPECT_LT(writer, std::uint64_t{1} << 63);
    last = writer;
  }
}

}  // namespace
}  // namespace daemon_supervisor
