#include "daemon/audit/records/record_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/daemon/audit/records/sample_records.h"

namespace daemon_audit {
namespace {

TEST(RecordFilter, LetsThroughWhatFitsEverythingGiven) {
  const Record finished = sample_record("request.finished", "chosen");
  EXPECT_TRUE(RecordFilter{}.wants(finished));
  RecordFilter filter{.from_us = finished.time_us,
                      .to_us = finished.time_us + 1,
                      .types = {"act", "request.*"},
                      .key = "chosen",
                      .tag = "chosen",
                      .request = "req-0123456789abcdef",
                      .outcome = "ok"};
  EXPECT_TRUE(filter.wants(finished));
  const auto without = [&](auto change) {
    RecordFilter other = filter;
    change(other);
    return other.wants(finished);
  };
  EXPECT_FALSE(without([&](RecordFilter& f) { f.from_us = finished.time_us + 1; }));
  EXPECT_FALSE(without([&](RecordFilter& f) { f.to_us = finished.time_us; }));
  EXPECT_FALSE(without([](RecordFilter& f) { f.types = {"request.lost", "log.*"}; }));
  EXPECT_FALSE(without([](RecordFilter& f) { f.key = "other"; }));
  EXPECT_FALSE(without([](RecordFilter& f) { f.tag = "other"; }));
  EXPECT_FALSE(without([](RecordFilter& f) { f.request = "req-0"; }));
  EXPECT_FALSE(without([](RecordFilter& f) { f.outcome = "cancelled"; }));
  EXPECT_FALSE((RecordFilter{.key = "chosen"}.wants(sample_record("log.opened"))));
  EXPECT_TRUE((RecordFilter{.outcome = "full"}.wants(sample_record("request.refused", "full"))));
}

TEST(RecordFilter, RefusesAPatternThatNoTypeFits) {
  for (const std::string_view good : {"act", "request.*", "*", "model.rolled_back"}) {
    EXPECT_TRUE(check_type_pattern(good).ok()) << good;
  }
  for (const std::string_view bad : {"", "requests.*", "request", "*.lost"}) {
    EXPECT_FALSE(check_type_pattern(bad).ok()) << bad;
  }
}

TEST(PeekType, FindsTheTypeWhateverStandsInTheBody) {
  for (const Record& record : sample_records(R"(","type":"act","v":1})")) {
    const auto text = record.serialize();
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(peek_type(text.value()), record.type);
  }
  EXPECT_EQ(peek_type(""), "");
  EXPECT_EQ(peek_type(R"(act","v":1})"), "");
  EXPECT_EQ(peek_type(R"("type":"act","v":2})"), "");
}

TEST(ParseWhen, TakesTimesAndDurations) {
  constexpr std::int64_t kNow = 1'795'284'309'000'000;  // 2026-11-21T18:05:09Z
  const std::pair<std::string_view, std::string_view> kGood[] = {
      {"2026-11-21", "2026-11-21T00:00:00.000000Z"},
      {"2026-11-21T18:05", "2026-11-21T18:05:00.000000Z"},
      {"2026-11-21T18:05Z", "2026-11-21T18:05:00.000000Z"},
      {"2026-11-21T18:05:09", "2026-11-21T18:05:09.000000Z"},
      {"2026-11-21T18:05:09.5Z", "2026-11-21T18:05:09.500000Z"},
      {"2026-11-21T18:05:09.123456Z", "2026-11-21T18:05:09.123456Z"},
      {"9s", "2026-11-21T18:05:00.000000Z"},
      {"5m", "2026-11-21T18:00:09.000000Z"},
      {"18h", "2026-11-21T00:05:09.000000Z"},
      {"21d", "2026-10-31T18:05:09.000000Z"},
      {"9999999d", "1970-01-01T00:00:00.000000Z"},
  };
  for (const auto& [text, time] : kGood) {
    const auto when = parse_when(text, kNow);
    ASSERT_TRUE(when.ok()) << text;
    EXPECT_EQ(format_time_us(when.value()), time) << text;
  }
  for (const std::string_view bad :
       {"", "d", "-1d", "1w", "1.5h", "99999999d", "2026", "2026-11", "2026-11-21T",
        "2026-11-21T18", "2026-11-21T18:05:09.", "2026-11-21T18:05:09.1234567", "2026-11-31",
        "21.11.2026", "2026-11-21T18:05:09+01:00", "yesterday"}) {
    EXPECT_FALSE(parse_when(bad, kNow).ok()) << bad;
  }
}

}  // namespace
}  // namespace daemon_audit
