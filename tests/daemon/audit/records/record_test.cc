#include "daemon/audit/records/record.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "hardening/base/json.h"

namespace daemon_audit {
namespace {

constexpr std::string_view kBoot = "0123456789abcdef0123456789abcdef";
// 1,795,284,309 s after 1970, as `date -u -d @1795284309` says it: 2026-11-21 18:05:09.
constexpr std::int64_t kTimeUs = 1'795'284'309'123'456;
constexpr std::string_view kText =
    R"({"body":{"admitted":3,"request":"req-1"},"boot":"0123456789abcdef0123456789abcdef",)"
    R"("host":"appliance","index":17,"monotonic_us":81723645,"role":"auditor",)"
    R"("time":"2026-11-21T18:05:09.123456Z","type":"request.lost","v":1})";

Record lost_request() {
  return {.index = 17,
          .time_us = kTimeUs,
          .monotonic_us = 81'723'645,
          .boot = std::string(kBoot),
          .host = "appliance",
          .role = Reporter::kAuditor,
          .type = "request.lost",
          .body = base::Json::object({{"request", "req-1"}, {"admitted", 3}})};
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kText);
  const auto place = text.find(from);
  EXPECT_NE(place, text.npos) << from;
  return text.replace(place, from.size(), to);
}

TEST(Record, IsWrittenAsTheDocumentShowsIt) {
  const auto text = lost_request().serialize();
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(text.value(), kText);
}

TEST(Record, ReadsBackAsItWas) {
  const auto record = Record::parse(kText);
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(record.value().index, 17U);
  EXPECT_EQ(record.value().time_us, kTimeUs);
  EXPECT_EQ(record.value().monotonic_us, 81'723'645);
  EXPECT_EQ(record.value().boot, kBoot);
  EXPECT_EQ(record.value().host, "appliance");
  EXPECT_EQ(record.value().role, Reporter::kAuditor);
  EXPECT_EQ(record.value().type, "request.lost");
  EXPECT_EQ(record.value().body.find("admitted")->as_int(), 3);
}

TEST(Record, EscapesWhatAHostIsCalled) {
  Record record = lost_request();
  record.host = "a\"b\n\xC3\xA9";
  const auto text = record.serialize();
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text.value().find("\"host\":\"a\\\"b\\n\xC3\xA9\","), std::string::npos);
  EXPECT_TRUE(Record::parse(text.value()).ok());
}

TEST(Record, RefusesEachEnvelopeThatIsNotOne) {
  const std::pair<std::string_view, std::string_view> kBad[] = {
      {R"("v":1)", R"("v":2)"},
      {R"("v":1)", R"("v":1,"w":1)"},
      {R"(,"v":1)", ""},
      {R"("index":17)", R"("index":-1)"},
      {R"("index":17)", R"("index":17.0)"},
      {R"("index":17)", R"("index":017)"},
      {R"("index":17)", R"("index":281474976710656)"},
      {R"("index":17)", R"("index": 17)"},
      {R"("index":17)", R"("index":"17")"},
      {R"("monotonic_us":81723645)", R"("monotonic_us":9007199254740992)"},
      {R"("boot":"0123)", R"("boot":"01234)"},
      {R"("boot":"0123)", R"("boot":"012G)"},
      {R"("boot":"012345678)", R"("boot":"01234567A)"},
      {R"("host":"appliance")", R"("host":"")"},
      {R"("host":"appliance")", R"("host":"\u0061ppliance")"},
      {R"("role":"auditor")", R"("role":"gateway")"},
      {R"("role":"auditor")", R"("role":"engine")"},
      {R"("type":"request.lost")", R"("type":"request.found")"},
      {R"("time":"2026-11)", R"("time":"2026-13)"},
      {R"("body":{)", R"("Body":{)"},
      {R"({"admitted":3,"request":"req-1"})", R"([3,"req-1"])"},
      {R"({"admitted":3,"request":"req-1"})", R"({"request":"req-1","admitted":3})"},
      {R"({"admitted":3,)", R"({"admitted":3,"admitted":3,)"},
      {R"({"body")", R"( {"body")"},
  };
  ASSERT_TRUE(Record::parse(kText).ok());
  for (const auto& [from, to] : kBad) {
    EXPECT_FALSE(Record::parse(replaced(from, to)).ok()) << to;
  }
  EXPECT_FALSE(Record::parse(std::string(kText) + "\n").ok());
  EXPECT_FALSE(Record::parse("").ok());
  EXPECT_FALSE(Record::parse("[]").ok());
}

TEST(Record, BoundsTheBodysSizeAndDepth) {
  Record record = lost_request();
  record.body = base::Json::object({{"x", std::string(kRecordBodyBytesMax - 8, 'a')}});
  const auto text = record.serialize();
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_TRUE(Record::parse(text.value()).ok());

  record.body = base::Json::object({{"x", std::string(kRecordBodyBytesMax - 7, 'a')}});
  EXPECT_EQ(record.serialize().error().code, base::ErrorCode::kExhausted);

  base::Json nested = base::Json::object();
  for (std::size_t level = 2; level < kRecordDepthMax; ++level) {
    nested = base::Json::object({{"x", std::move(nested)}});
  }
  record.body = nested;
  ASSERT_TRUE(record.serialize().ok());
  EXPECT_TRUE(Record::parse(record.serialize().value()).ok());
  record.body = base::Json::object({{"x", std::move(nested)}});
  EXPECT_EQ(record.serialize().error().code, base::ErrorCode::kExhausted);
}

TEST(Record, RefusesToWriteWhatHasNoCanonicalForm) {
  Record record = lost_request();
  record.body = base::Json::object({{"seed", std::int64_t{1} << 53}});
  EXPECT_FALSE(record.serialize().ok());
  record = lost_request();
  record.host = "\xFF";
  EXPECT_FALSE(record.serialize().ok());
  record = lost_request();
  record.time_us = kRecordTimeUsMax + 1;
  EXPECT_FALSE(record.serialize().ok());
}

TEST(RecordTime, IsTheCalendarsTime) {
  EXPECT_EQ(format_time_us(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time_us(kTimeUs), "2026-11-21T18:05:09.123456Z");
  EXPECT_EQ(format_time_us(kRecordTimeUsMax), "9999-12-31T23:59:59.999999Z");
  // Both as `date -u` says them: a leap day, and the second before a year's end.
  EXPECT_EQ(format_time_us(1'709'164'800'000'000), "2024-02-29T00:00:00.000000Z");
  EXPECT_EQ(format_time_us(4'102'444'799'000'001), "2099-12-31T23:59:59.000001Z");
}

TEST(RecordTime, ReadsExactlyWhatItWrites) {
  for (std::int64_t time_us = 0; time_us < kRecordTimeUsMax; time_us += 98'765'432'123'457) {
    const auto read = parse_time_us(format_time_us(time_us));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read.value(), time_us);
  }
  for (const std::string_view bad :
       {"2023-02-29T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "2026-00-10T00:00:00.000000Z",
        "2026-01-10T24:00:00.000000Z", "2026-01-10T23:60:00.000000Z", "2026-01-10T23:59:60.000000Z",
        "2026-01-10T23:59:59.00000Z", "2026-01-10T23:59:59.0000000Z", "2026-01-10 23:59:59.000000Z",
        "2026-01-10T23:59:59.000000z", "2026-01-10T23:59:59.000000+", "+026-01-10T23:59:59.000000Z",
        ""}) {
    EXPECT_FALSE(parse_time_us(bad).ok()) << bad;
  }
}

TEST(EventTypes, AreNamedOnceAndFound) {
  for (const EventType& type : event_types()) {
    EXPECT_EQ(find_event_type(type.name), &type) << type.name;
  }
  EXPECT_EQ(find_event_type("request"), nullptr);
  EXPECT_EQ(find_event_type(""), nullptr);
}

}  // namespace
}  // namespace daemon_audit
