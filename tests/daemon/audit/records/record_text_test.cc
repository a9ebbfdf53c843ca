#include "daemon/audit/records/record_text.h"

#include <gtest/gtest.h>

#include <string>

#include "hardening/base/json.h"
#include "tests/daemon/audit/records/sample_records.h"

namespace daemon_audit {
namespace {

using base::Json;

std::string sentence(std::string_view type, Json body) {
  Record record = sample_record(type);
  record.body = std::move(body);
  return record_sentence(record);
}

TEST(RecordText, SaysWhatHappened) {
  EXPECT_EQ(
      sentence("request.finished", Json::object({{"request", "req-1"},
                                                 {"outcome", "ok"},
                                                 {"status", 200},
                                                 {"prompt_tokens", 12},
                                                 {"cached_tokens", 8},
                                                 {"completion_tokens", 34},
                                                 {"device_us", 41'200},
                                                 {"duration_us", 1'500}})),
      "ok (200), 12 prompt (8 cached), 34 completion tokens, device 41 ms, took 1500 us, req-1");
  EXPECT_EQ(sentence("auth.failed", Json::object({{"reason", "unknown"},
                                                  {"method", "GET"},
                                                  {"endpoint", "/v1/models"},
                                                  {"count", 1}})),
            "key unknown, GET /v1/models");
  EXPECT_EQ(sentence("auth.failed", Json::object({{"reason", "unknown"}, {"count", 40}})),
            "key unknown, 40 times");
  EXPECT_EQ(sentence("role.ended", Json::object({{"name", "engine"},
                                                 {"why", "signal 9"},
                                                 {"from_outside", false},
                                                 {"restart_in_ms", 100}})),
            "engine ended: signal 9, again in 100 ms");
}

TEST(RecordText, AddsUpNumbersAndListsTexts) {
  const Json prompt = Json::object({{"tokens", 5}, {"tokens_max", 9}});
  EXPECT_EQ(
      sentence("request.admitted", Json::object({{"prompts", Json(Json::Array{prompt, prompt})}})),
      ", 10 prompt tokens");
  const Json unfinished = Json::object({{"index", 0}, {"tokens", 0}});
  EXPECT_EQ(
      sentence("request.finished", Json::object({{"outcome", "cancelled"},
                                                 {"choices", Json(Json::Array{unfinished})}})),
      "cancelled");
  EXPECT_EQ(sentence("config.loaded",
                     Json::object({{"path", "/x"}, {"keys", Json(Json::Array{"a.b", "c.d"})}})),
            "/x loaded, changed: a.b c.d");
}

TEST(RecordText, HasAPhraseForEachTypeWithEveryPieceOfIt) {
  for (const Record& record : sample_records()) {
    const std::string text = record_sentence(record);
    EXPECT_FALSE(text.empty()) << record.type;
    EXPECT_EQ(text.find_first_of("{}|"), text.npos) << text;
    Record empty = record;
    empty.body = Json::object();
    EXPECT_EQ(record_sentence(empty).find_first_of("{}|"), text.npos) << record.type;
  }
}

TEST(RecordText, KeepsOneRecordOnOneLineWhateverIsSent) {
  const std::string hostile =
      "x\r\n2026-01-01T00:00:00.000000Z forged\x1b[2J\xE2\x80\xAE\xE2\x80\xA8";
  for (const Record& record : sample_records(hostile)) {
    const std::string line = record_line(record, 4);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << record.type;
    for (const std::string_view bad : {"\r", "\x1b", "\xE2\x80\xAE", "\xE2\x80\xA8"}) {
      EXPECT_EQ(line.find(bad), line.npos) << record.type;
    }
  }
}

TEST(RecordText, BeginsWithColumns) {
  Record record = sample_record("request.lost");
  record.index = 17;
  EXPECT_EQ(record_line(record, 4),
            format_time_us(record.time_us) +
                "    17  request.lost         auditor       "
                "req-0123456789abcdef was never finished: admitted at 77\n");
}

TEST(RecordText, NamesWhoDidIt) {
  EXPECT_EQ(record_actor(sample_record("request.finished", "key-1")), "key-1");
  EXPECT_EQ(record_actor(sample_record("auth.failed")), "192.0.2.7");
  EXPECT_EQ(record_actor(sample_record("act", "anna")), "anna");
  EXPECT_EQ(record_actor(sample_record("log.opened")), "auditor");
}

}  // namespace
}  // namespace daemon_audit
