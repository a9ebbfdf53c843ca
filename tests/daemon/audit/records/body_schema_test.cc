#include "daemon/audit/records/body_schema.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "daemon/audit/records/record.h"
#include "hardening/base/file.h"

namespace daemon_audit {
namespace {

using base::Json;
using Names = std::set<std::string>;

std::string document() {
  const auto text = base::read_text_file("daemon/audit/RECORDS.md", 1 << 20);
  EXPECT_TRUE(text.ok());
  return text.ok() ? text.value() : "";
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// Without what stands in parentheses: that says more about a member, and names none.
std::string without_asides(const std::string& text) {
  std::string kept;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : 0;
    if (depth == 0) kept += c;
    depth -= c == ')' ? 1 : 0;
  }
  return kept;
}

Names quoted(const std::string& text) {
  Names names;
  const auto parts = split(text, '`');
  for (std::size_t i = 1; i < parts.size(); i += 2) names.insert(parts[i]);
  return names;
}

// The members that a section's block lists: what stands in its first column.
Names first_column(const std::string& section) {
  Names names;
  const auto begin = section.find("```\n") + 4;
  for (const std::string& line :
       split(section.substr(begin, section.find("```", begin) - begin), '\n')) {
    if (line.empty() || line[0] == ' ') continue;
    for (const std::string& name : split(line.substr(0, line.find("  ")), ',')) {
      names.insert(name.substr(name.find_first_not_of(' ')));
    }
  }
  return names;
}

std::string section(const std::string& text, const std::string& heading) {
  const auto begin = text.find("\n## " + heading);
  EXPECT_NE(begin, text.npos) << heading;
  return begin == text.npos ? "" : text.substr(begin + 1, text.find("\n## ", begin + 1) - begin);
}

Names known(const std::string& type) {
  Names names;
  for (const BodyField& field : body_fields(type)) names.emplace(field.name);
  return names;
}

void nested_names(std::span<const BodyField> fields, Names& out_names) {
  for (const BodyField& field : fields) {
    for (const BodyField& member : field.members) out_names.emplace(member.name);
    nested_names(field.members, out_names);
  }
}

TEST(BodySchema, NamesExactlyTheMembersThatTheDocumentNames) {
  const std::string events = section(document(), "1. ");
  Names documented;
  for (const std::string& line : split(events, '\n')) {
    const auto cells = split(line, '|');
    if (cells.size() != 6 || cells[1].find('`') == std::string::npos) continue;
    Names members;
    for (const std::string& type : quoted(cells[1])) {
      documented.insert(type);
      const EventType* known_type = find_event_type(type);
      ASSERT_NE(known_type, nullptr) << type;
      EXPECT_EQ(" " + std::string(reporter_name(known_type->reporter)) + " ", cells[2]) << type;
      members.merge(known(type));
    }
    if (cells[4].find("section") == std::string::npos) {
      EXPECT_EQ(quoted(without_asides(cells[4])), members) << cells[1];
    }
  }
  for (const EventType& type : event_types()) {
    EXPECT_EQ(documented.count(std::string(type.name)), 1U) << type.name;
  }
  EXPECT_EQ(documented.size(), event_types().size());
  EXPECT_EQ(first_column(section(document(), "2. ")), known("request.admitted"));
  EXPECT_EQ(first_column(section(document(), "3. ")), known("request.finished"));
}

TEST(BodySchema, HasNoNestedMemberThatTheDocumentDoesNotSpeakOf) {
  const std::string text = document();
  for (const EventType& type : event_types()) {
    Names nested;
    nested_names(body_fields(type.name), nested);
    for (const std::string& name : nested) {
      EXPECT_NE(text.find(name), text.npos) << type.name << " " << name;
    }
  }
}

TEST(BodySchema, HasATableForEachTypeAndForNoOther) {
  for (const EventType& type : event_types()) EXPECT_FALSE(body_fields(type.name).empty());
  EXPECT_TRUE(body_fields("request").empty());
  EXPECT_FALSE(check_body("request", Json::object()).ok());
}

Json refused() {
  return Json::object({{"request", "req-1"},
                       {"client", Json::object({{"address", "10.0.0.7"}, {"port", 51234}})},
                       {"key", "k1"},
                       {"status", 429},
                       {"code", "rate_limited"},
                       {"count", 1}});
}

Json with(Json body, std::string_view name, Json value) {
  for (auto& member : body.as_object()) {
    if (member.first == name) {
      member.second = std::move(value);
      return body;
    }
  }
  body.set(std::string(name), std::move(value));
  return body;
}

std::string why(std::string_view type, const Json& body) {
  const auto checked = check_body(type, body);
  return checked.ok() ? "" : checked.error().message;
}

TEST(BodyCheck, NamesTheMemberThatDoesNotFit) {
  EXPECT_EQ(why("request.refused", refused()), "");
  EXPECT_EQ(why("request.refused", with(refused(), "prompt", "secret")),
            "request.refused.prompt is unknown");
  EXPECT_EQ(why("request.refused", with(refused(), "\x1b[2J", 1)),
            "request.refused.??2? is unknown");
  EXPECT_EQ(why("request.refused", with(refused(), "status", 600)),
            "request.refused.status is not an integer from 0 to 599");
  EXPECT_EQ(why("request.refused", with(refused(), "status", -1)),
            "request.refused.status is not an integer from 0 to 599");
  EXPECT_EQ(why("request.refused", with(refused(), "status", 429.5)),
            "request.refused.status is not an integer from 0 to 599");
  EXPECT_EQ(why("request.refused", with(refused(), "request", std::string(65, 'r'))),
            "request.refused.request is not a text of at most 64 bytes");
  EXPECT_EQ(why("request.refused", with(refused(), "client", "10.0.0.7")),
            "request.refused.client is not an object");
  EXPECT_EQ(why("request.refused", with(refused(), "client", Json::object({{"port", 1}}))),
            "request.refused.client.address is missing");
  EXPECT_EQ(why("request.lost", Json::object({{"request", "req-1"}})),
            "request.lost.admitted is missing");
  EXPECT_EQ(why("request.lost", Json::array()), "request.lost is not an object");
}

TEST(BodyCheck, LooksIntoArraysAndKinds) {
  const Json config = Json::object({{"path", "/etc/redoubt/redoubt.toml"}});
  EXPECT_EQ(why("config.loaded", with(config, "keys", Json(Json::Array{"a.b", "c.d"}))), "");
  EXPECT_EQ(why("config.loaded", with(config, "keys", Json(Json::Array{"a.b", 1}))),
            "config.loaded.keys is not an array of texts of at most 4096 bytes");
  EXPECT_EQ(why("config.loaded", with(config, "digest", std::string(64, 'a'))), "");
  for (const char digit : {'A', 'g', ' '}) {
    EXPECT_EQ(why("config.loaded", with(config, "digest", std::string(63, 'a') + digit)),
              "config.loaded.digest is not 64 hexadecimal digits");
  }
  EXPECT_EQ(why("clock.stepped", Json::object({{"step_us", -2'000'000}})), "");
  EXPECT_EQ(why("clock.stepped", Json::object({{"step_us", 0.5}})),
            "clock.stepped.step_us is not an integer");
  const Json act =
      Json::object({{"command", "import"}, {"uid", 0}, {"phase", "begun"}, {"act", 1}});
  EXPECT_EQ(why("act", with(act, "facts", Json::object({{"anything", Json::array()}}))), "");
  EXPECT_EQ(why("act", with(act, "at", "2026-11-21T18:05:09.123456Z")), "");
  EXPECT_EQ(why("act", with(act, "at", "yesterday")), "act.at is not a time");
}

}  // namespace
}  // namespace daemon_audit
