#include "daemon/audit/records/ocsf.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "daemon/audit/records/ocsf_class.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/sha256.h"
#include "tests/daemon/audit/records/sample_records.h"

namespace daemon_audit {
namespace {

using base::Json;
using Paths = std::vector<std::string_view>;

const OcsfSource kSource = {"redoubt/test", "0.1.0"};

// What OCSF 1.9.0 marks as required: of every event, of a class, and of the objects that we write
// (names, from ocsf/ocsf-schema: events/base_event.json and events/*/*.json, objects/*.json).
const Paths kOfEveryEvent = {"activity_id",      "category_uid",     "class_uid",   "metadata",
                             "metadata.product", "metadata.version", "severity_id", "time",
                             "type_uid"};
const std::map<int, Paths> kOfClass = {{0, {}},
                                       {3'002, {"user"}},
                                       {6'002, {"app"}},
                                       {6'003, {"actor", "api", "api.operation", "src_endpoint"}},
                                       {6'008, {}}};
const std::map<std::string_view, Paths> kOfObject = {
    {"ai_model", {"name", "ai_provider"}},
    {"api.request", {"uid"}},
    {"http_response", {"code"}},
    {"raw_data_hash", {"algorithm_id", "value"}},
    {"attestation.fingerprint", {"algorithm_id", "value"}}};
// Of each of these an object has to have one at least.
const std::map<std::string_view, Paths> kOneOf = {
    {"actor", {"process", "user", "session", "app_name", "app_uid"}},
    {"actor.user", {"account", "name", "uid"}},
    {"app", {"name", "uid"}},
    {"attestation", {"fingerprint", "signatures"}},
    {"dst_endpoint", {"ip", "uid", "name", "hostname", "svc_name"}},
    {"http_request.url", {"url_string", "path"}},
    {"message_context", {"application", "service"}},
    {"metadata.product", {"name", "uid"}},
    {"src_endpoint", {"ip", "uid", "name", "hostname", "svc_name"}},
    {"user", {"account", "name", "uid"}}};

const Json* at(const Json& value, std::string_view path) {
  const auto dot = path.find('.');
  const Json* member = value.is_object() ? value.find(path.substr(0, dot)) : nullptr;
  return member == nullptr || dot == path.npos ? member : at(*member, path.substr(dot + 1));
}

std::string line_of(const Record& record) {
  const auto text = record.serialize();
  EXPECT_TRUE(text.ok());
  const auto line = ocsf_line(ocsf_event(record, text.value(), std::string(64, 'a'), kSource));
  EXPECT_TRUE(line.ok());
  return line.ok() ? line.value() : "";
}

Json event_of(const Record& record) {
  const std::string line = line_of(record);
  EXPECT_FALSE(line.empty());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto event = Json::parse(std::string_view(line).substr(0, line.size() - 1));
  EXPECT_TRUE(event.ok()) << line;
  return event.ok() ? event.value() : Json::object();
}

void expect_members(const Json& object, const Paths& paths, const std::string& of) {
  for (const std::string_view path : paths)
    EXPECT_NE(at(object, path), nullptr) << of << " " << path;
}

TEST(Ocsf, HasWhatTheSchemaRequires) {
  for (const Record& record : sample_records()) {
    const Json event = event_of(record);
    expect_members(event, kOfEveryEvent, record.type);
    const auto class_uid = event.find("class_uid")->as_int();
    ASSERT_TRUE(kOfClass.contains(static_cast<int>(class_uid))) << record.type;
    expect_members(event, kOfClass.at(static_cast<int>(class_uid)), record.type);
    for (const auto& [path, members] : kOfObject) {
      if (const Json* object = at(event, path)) expect_members(*object, members, record.type);
    }
    for (const auto& [path, members] : kOneOf) {
      const Json* object = at(event, path);
      if (object == nullptr) continue;
      int found = 0;
      for (const std::string_view member : members)
        found += object->find(member) != nullptr ? 1 : 0;
      EXPECT_GT(found, 0) << record.type << " " << path;
    }
  }
}

TEST(Ocsf, HasItWithTheLeastThatABodyMaySayToo) {
  Record refused = sample_record("request.refused");
  refused.body = Json::object({{"key", "k"}, {"count", 40}});
  const Json event = event_of(refused);
  expect_members(event, kOfClass.at(6'003), "request.refused");
  EXPECT_FALSE(at(event, "src_endpoint")->as_object().empty());
  EXPECT_EQ(event.find("count")->as_int(), 40);
}

TEST(Ocsf, NumbersAgreeWithEachOther) {
  for (const Record& record : sample_records()) {
    const Json event = event_of(record);
    const auto class_uid = event.find("class_uid")->as_int();
    EXPECT_EQ(event.find("category_uid")->as_int(), class_uid / 1'000);
    EXPECT_EQ(event.find("type_uid")->as_int(),
              class_uid * 100 + event.find("activity_id")->as_int());
    EXPECT_EQ(event.find("time")->as_int(), record.time_us / 1'000);
    EXPECT_EQ(at(event, "metadata.original_time")->as_string(), format_time_us(record.time_us));
    EXPECT_EQ(at(event, "metadata.uid")->as_string(),
              "redoubt/test#" + std::to_string(record.index));
    EXPECT_EQ(ocsf_mapping(record.type).type, record.type);
  }
}

TEST(Ocsf, CountsTokensAndTellsOutcomes) {
  Record record = sample_record("request.finished");
  const Json event = event_of(record);
  EXPECT_EQ(at(event, "message_context.prompt_tokens")->as_int(), 77);
  EXPECT_EQ(at(event, "message_context.total_tokens")->as_int(), 154);
  EXPECT_EQ(event.find("status_id")->as_int(), 1);
  for (auto& [name, value] : record.body.as_object()) {
    if (name == "outcome") value = "engine_failed";
  }
  EXPECT_EQ(event_of(record).find("status_id")->as_int(), 2);
  EXPECT_EQ(event_of(record).find("status_code")->as_string(), "engine_failed");
  EXPECT_EQ(event_of(sample_record("auth.failed")).find("status_id")->as_int(), 2);
}

// Profile record_integrity: over the canonical event without fingerprint and signatures.
TEST(Ocsf, CarriesTheRecordAndAFingerprintOfItself) {
  const Record record = sample_record("act");
  Json event = event_of(record);
  EXPECT_EQ(event.find("raw_data")->as_string(), record.serialize().value());
  EXPECT_EQ(at(event, "raw_data_hash.value")->as_string(),
            base::to_hex(provisioning::sha256(record.serialize().value())));
  EXPECT_EQ(at(event, "unmapped.leaf_hash")->as_string(), std::string(64, 'a'));
  const std::string fingerprint = at(event, "attestation.fingerprint.value")->as_string();
  for (auto& [name, value] : event.as_object()) {
    if (name != "attestation") continue;
    auto& members = value.as_object();
    std::erase_if(members,
                  [](const Json::Member& member) { return member.first == "fingerprint"; });
  }
  EXPECT_EQ(base::to_hex(provisioning::sha256(base::canonical_json(event).value())), fingerprint);
}

TEST(Ocsf, LetsNobodyForgeALine) {
  const std::array<std::string_view, 10> kCorpus = {
      "a\r\nb",
      "\",\"class_uid\":0,\"x\":\"",
      "\\\",\"class_uid\":0",
      "\x1b]0;title\x07\x1b[2J",
      "\xC2\x85next line\xC2\x9B"
      "1m",
      "\xE2\x80\xA8line\xE2\x80\xA9paragraph",
      "\xE2\x80\xAEright to left\xE2\x81\xA6",
      "CEF:0|a|b|c=d] PRI<0>",
      "\xEF\xBB\xBF{\"class_uid\":0}",
      "%s%n ${jndi:x} =cmd|' /C'!A0",
  };
  for (const std::string_view hostile : kCorpus) {
    for (const Record& record : sample_records(hostile)) {
      const std::string line = line_of(record);
      for (const std::string_view bad :
           {"\r", "\x1b", "\x07", "\xC2\x85", "\xC2\x9B", "\xE2\x80\xA8", "\xE2\x80\xA9",
            "\xE2\x80\xAE", "\xE2\x81\xA6", "\xEF\xBB\xBF"}) {
        EXPECT_EQ(line.find(bad), line.npos) << record.type;
      }
      const Json event = event_of(record);
      EXPECT_EQ(event.find("class_uid")->as_int(), static_cast<int>(ocsf_mapping(record.type).of));
      EXPECT_EQ(*at(event, "unmapped.body"),
                Json::parse(base::canonical_json(record.body).value()).value());
    }
  }
}

}  // namespace
}  // namespace daemon_audit
