#include "daemon/audit/records/usage.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "hardening/base/json.h"
#include "tests/daemon/audit/records/sample_records.h"

namespace daemon_audit {
namespace {

using base::Json;

void set(Json& body, std::string_view name, Json value) {
  for (auto& member : body.as_object()) {
    if (member.first == name) member.second = std::move(value);
  }
}

void drop(Json& body, std::string_view name) {
  std::erase_if(body.as_object(),
                [name](const Json::Member& member) { return member.first == name; });
}

// A log of three days, with everything else that may stand in one between.
std::vector<Record> random_log(unsigned seed) {
  constexpr std::int64_t kDayUs = 86'400'000'000;
  std::mt19937_64 random(seed);
  const auto below = [&random](std::int64_t limit) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
  };
  const std::vector<Record> samples = sample_records();
  const char* const kOutcomes[] = {"ok", "ok", "cancelled", "engine_failed", "timeout"};
  std::vector<Record> log;
  for (int i = 0; i < 2'000; ++i) {
    Record record =
        below(3) == 0
            ? samples[static_cast<std::size_t>(below(static_cast<std::int64_t>(samples.size())))]
            : sample_record("request.finished");
    record.time_us = 1'795'219'200'000'000 + below(3 * kDayUs);
    if (record.type == "request.finished") {
      set(record.body, "key", "key-" + std::to_string(below(3)));
      set(record.body, "tag", "tag-" + std::to_string(below(4)));
      if (below(5) == 0) drop(record.body, "tag");
      set(record.body, "outcome", kOutcomes[below(5)]);
      for (const char* name :
           {"prompt_tokens", "cached_tokens", "completion_tokens", "device_us"}) {
        set(record.body, name, below(1'000'000'007));
      }
    }
    log.push_back(std::move(record));
  }
  return log;
}

// Added up again from the records' texts alone, by name.
using Sums = std::map<std::pair<std::string, std::string>, std::map<std::string, std::uint64_t>>;
Sums independent_sums(const std::vector<Record>& log, const std::string& by) {
  Sums sums;
  for (const Record& record : log) {
    const Json json = Json::parse(record.serialize().value()).value();
    const std::string type = json.find("type")->as_string();
    const std::string day = json.find("time")->as_string().substr(0, 10);
    const Json& body = *json.find("body");
    if (type == "request.lost") sums[{day, ""}]["lost"] += 1;
    if (type != "request.finished") continue;
    std::string name;
    if (by == "model") {
      name = body.find("model")->find("name")->as_string();
    } else if (const Json* member = body.find(by)) {
      name = member->as_string();
    }
    auto& sum = sums[{day, name}];
    sum["finished"] += 1;
    const std::string outcome = body.find("outcome")->as_string();
    sum[outcome == "ok" || outcome == "cancelled" ? outcome : "failed"] += 1;
    for (const char* member :
         {"prompt_tokens", "cached_tokens", "completion_tokens", "device_us"}) {
      sum[member] += static_cast<std::uint64_t>(body.find(member)->as_int());
    }
  }
  return sums;
}

TEST(Usage, AddsUpToTheLogExactly) {
  for (const std::string by : {"key", "tag", "model", "day"}) {
    const std::vector<Record> log = random_log(7);
    Usage usage(parse_usage_by(by).value());
    for (const Record& record : log) ASSERT_TRUE(usage.add(record).ok());
    const Json json = usage_json(usage, parse_usage_by(by).value());

    Sums sums = independent_sums(log, by);
    std::map<std::string, std::uint64_t> total;
    for (const Json& line : json.find("lines")->as_array()) {
      const std::string name = by == "day" ? "" : line.find(by)->as_string();
      auto& sum = sums[{line.find("day")->as_string(), name}];
      for (const auto& [member, value] : line.as_object()) {
        if (!value.is_int()) continue;
        EXPECT_EQ(static_cast<std::uint64_t>(value.as_int()), sum[member]) << by << " " << member;
        total[member] += sum[member];
      }
    }
    EXPECT_EQ(json.find("lines")->as_array().size(), sums.size()) << by;
    for (const auto& [member, value] : json.find("total")->as_object()) {
      EXPECT_EQ(static_cast<std::uint64_t>(value.as_int()), total[member]) << by << " " << member;
    }
    EXPECT_GT(total["lost"], 0U);
  }
}

TEST(Usage, RefusesARecordWhoseNumbersAreNone) {
  Record record = sample_record("request.finished");
  set(record.body, "device_us", 1.5);
  EXPECT_FALSE(Usage(UsageBy::kKey).add(record).ok());
  record = sample_record("request.finished");
  set(record.body, "prompt_tokens", -1);
  EXPECT_FALSE(Usage(UsageBy::kKey).add(record).ok());
  record = sample_record("request.finished");
  drop(record.body, "key");
  EXPECT_FALSE(Usage(UsageBy::kKey).add(record).ok());
  EXPECT_TRUE(Usage(UsageBy::kDay).add(record).ok());
}

TEST(Usage, NeverWrapsASum) {
  UsageSum sum{.device_us = std::numeric_limits<std::uint64_t>::max() - 1};
  EXPECT_TRUE(sum.add({.device_us = 1}).ok());
  EXPECT_FALSE(sum.add({.device_us = 1}).ok());
}

TEST(Usage, WritesCsvThatNoSpreadsheetRuns) {
  Usage usage(UsageBy::kTag);
  for (const std::string_view tag : {"=1+1", "a\"b,c", "plain"}) {
    Record record = sample_record("request.finished");
    set(record.body, "tag", tag);
    ASSERT_TRUE(usage.add(record).ok());
  }
  EXPECT_EQ(
      usage_csv(usage, UsageBy::kTag),
      "day,tag,finished,ok,cancelled,failed,lost,prompt_tokens,cached_tokens,completion_tokens,"
      "device_us\r\n"
      "2026-11-21,\"'=1+1\",1,1,0,0,0,77,77,77,77\r\n"
      "2026-11-21,\"a\"\"b,c\",1,1,0,0,0,77,77,77,77\r\n"
      "2026-11-21,\"plain\",1,1,0,0,0,77,77,77,77\r\n");
}

}  // namespace
}  // namespace daemon_audit
