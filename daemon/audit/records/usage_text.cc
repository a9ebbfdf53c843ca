// Usage for machines: JSON and CSV.
#include <fmt/format.h>

#include <array>

#include "daemon/audit/records/usage.h"

namespace daemon_audit {
namespace {

struct Name {
  std::string_view text;
  UsageBy by;
};
constexpr std::array kNames = {Name{"key", UsageBy::kKey}, Name{"tag", UsageBy::kTag},
                               Name{"model", UsageBy::kModel}, Name{"day", UsageBy::kDay}};

struct Column {
  std::string_view name;
  std::uint64_t (*value)(const UsageSum&);
};
constexpr std::array kColumns = {
    Column{"finished", [](const UsageSum& sum) { return sum.finished(); }},
    Column{"ok", [](const UsageSum& sum) { return sum.ok; }},
    Column{"cancelled", [](const UsageSum& sum) { return sum.cancelled; }},
    Column{"failed", [](const UsageSum& sum) { return sum.failed; }},
    Column{"lost", [](const UsageSum& sum) { return sum.lost; }},
    Column{"prompt_tokens", [](const UsageSum& sum) { return sum.prompt_tokens; }},
    Column{"cached_tokens", [](const UsageSum& sum) { return sum.cached_tokens; }},
    Column{"completion_tokens", [](const UsageSum& sum) { return sum.completion_tokens; }},
    Column{"device_us", [](const UsageSum& sum) { return sum.device_us; }},
};

void add_columns(base::Json& object, const UsageSum& sum) {
  for (const Column& column : kColumns) object.set(std::string(column.name), column.value(sum));
}

std::string csv_field(std::string_view text) {
  std::string field = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != text.npos) field += '\'';
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + "\"";
}

}  // namespace

base::Result<UsageBy> parse_usage_by(std::string_view text) {
  for (const Name& name : kNames) {
    if (name.text == text) return name.by;
  }
  return base::invalid_input("--by is key, tag, model or day");
}

std::string_view usage_by_name(UsageBy by) {
  return kNames[static_cast<std::size_t>(by)].text;
}

base::Json usage_json(const Usage& usage, UsageBy by) {
  base::Json lines = base::Json::array();
  for (const auto& [line, sum] : usage.lines()) {
    base::Json object = base::Json::object({{"day", line.day}});
    if (by != UsageBy::kDay) object.set(std::string(usage_by_name(by)), line.name);
    add_columns(object, sum);
    lines.push_back(std::move(object));
  }
  base::Json total = base::Json::object();
  add_columns(total, usage.total());
  base::Json json = base::Json::object({{"by", usage_by_name(by)}});
  json.set("lines", std::move(lines));
  json.set("total", std::move(total));
  return json;
}

std::string usage_csv(const Usage& usage, UsageBy by) {
  std::string text = "day";
  if (by != UsageBy::kDay) text += fmt::format(",{}", usage_by_name(by));
  for (const Column& column : kColumns) text += fmt::format(",{}", column.name);
  text += "\r\n";
  for (const auto& [line, sum] : usage.lines()) {
    text += line.day;
    if (by != UsageBy::kDay) text += "," + csv_field(line.name);
    for (const Column& column : kColumns) text += fmt::format(",{}", column.value(sum));
    text += "\r\n";
  }
  return text;
}

}  // namespace daemon_audit
