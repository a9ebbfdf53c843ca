// The text of one phase of an act: made by a command, believed by nobody until it is parsed.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "daemon/audit/records/record.h"
#include "daemon/supervisor/act_spool.h"
#include "hardening/base/secret.h"

namespace daemon_supervisor {
namespace {

using base::Json;

constexpr std::uint64_t kNumberMax = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kFactsBytesMax = 4'096;
constexpr base::JsonLimits kLimits{kActBytesMax, 6, 256};

// Whatever people typed, as text that fits.
std::string fit(std::string_view text, std::size_t bytes_max) {
  std::string fitted(text.substr(0, bytes_max));
  std::replace_if(
      fitted.begin(), fitted.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return fitted;
}

base::Result<std::string> to_text(const Json& value, std::string_view name, std::size_t bytes_max) {
  if (!value.is_string() || value.as_string().size() > bytes_max)
    return base::invalid_input(fmt::format("{}: a text of at most {} bytes", name, bytes_max));
  return value.as_string();
}

base::Result<std::uint64_t> to_number(const Json& value, std::string_view name, std::uint64_t max) {
  if (!value.is_int() || value.as_int() < 0 || static_cast<std::uint64_t>(value.as_int()) > max)
    return base::invalid_input(fmt::format("{}: a whole number of at most {}", name, max));
  return static_cast<std::uint64_t>(value.as_int());
}

base::Result<std::vector<std::pair<std::string, std::string>>> to_arguments(const Json& value) {
  std::vector<std::pair<std::string, std::string>> arguments;
  if (!value.is_object() || value.as_object().size() > kActArgumentsMax)
    return base::invalid_input(
        fmt::format("arguments: an object of at most {} members", kActArgumentsMax));
  for (const auto& [name, argument] : value.as_object()) {
    if (name.size() > kNameBytesMax)
      return base::invalid_input(
          fmt::format("arguments: a name is longer than {} bytes", kNameBytesMax));
    arguments.emplace_back(name, TRY(to_text(argument, "arguments", kActTextBytesMax)));
  }
  return arguments;
}

base::Status take_member(const std::string& name, const Json& value, ActReport& report) {
  if (name == "act") {
    report.act = TRY(to_number(value, name, kNumberMax));
  } else if (name == "phase") {
    const auto phase = TRY(to_text(value, name, kNameBytesMax));
    if (phase != "begun" && phase != "finished")
      return base::invalid_input("phase: neither \"begun\" nor \"finished\"");
    report.finished = phase == "finished";
  } else if (name == "command") {
    report.command = TRY(to_text(value, name, kNameBytesMax));
  } else if (name == "arguments") {
    report.arguments = TRY(to_arguments(value));
  } else if (name == "uid") {
    report.uid = static_cast<std::uint32_t>(TRY(to_number(value, name, 0xffff'ffffu)));
  } else if (name == "user") {
    report.user = TRY(to_text(value, name, kNameBytesMax));
  } else if (name == "at") {
    report.at_us =
        TRY(daemon_audit::parse_time_us(TRY(to_text(value, name, kNameBytesMax))).context("at"));
  } else if (name == "outcome") {
    report.outcome = TRY(to_text(value, name, kNameBytesMax));
  } else if (name == "why") {
    report.why = TRY(to_text(value, name, kActTextBytesMax));
  } else if (name == "facts") {
    if (!value.is_object() || value.dump().size() > kFactsBytesMax)
      return base::invalid_input(
          fmt::format("facts: an object of at most {} bytes", kFactsBytesMax));
    report.facts = value;
  } else {
    return base::invalid_input(fmt::format("{}: no member of an act", fit(name, kNameBytesMax)));
  }
  return {};
}

}  // namespace

std::uint64_t make_act_number() {
  std::uint64_t number = 0;
  while (number == 0) {
    base::fill_random(std::as_writable_bytes(std::span(&number, 1)));
    number &= kNumberMax;
  }
  return number;
}

Json ActReport::body() const {
  Json named = Json::object();
  for (std::size_t i = 0; i < std::min(arguments.size(), kActArgumentsMax); ++i) {
    std::string name = fit(arguments[i].first, kNameBytesMax);
    if (named.find(name) == nullptr)
      named.set(std::move(name), fit(arguments[i].second, kActTextBytesMax / 2));
  }
  const std::int64_t at = std::clamp<std::int64_t>(at_us, 0, daemon_audit::kRecordTimeUsMax);
  Json json = Json::object({{"act", act},
                            {"phase", finished ? "finished" : "begun"},
                            {"command", fit(command, kNameBytesMax)},
                            {"arguments", std::move(named)},
                            {"uid", uid},
                            {"user", fit(user, kNameBytesMax)},
                            {"at", daemon_audit::format_time_us(at)}});
  if (finished) json.set("outcome", fit(outcome, kNameBytesMax));
  if (!why.empty()) json.set("why", fit(why, kActTextBytesMax));
  if (facts.dump().size() > kFactsBytesMax) {
    json.set("facts", Json::object({{"cut", true}}));
  } else if (!facts.as_object().empty()) {
    json.set("facts", facts);
  }
  return json;
}

base::Result<ActReport> ActReport::parse(std::string_view text) {
  const Json json = TRY(Json::parse(text, kLimits));
  if (!json.is_object()) return base::invalid_input("an act is a JSON object");
  ActReport report;
  for (const auto& [name, value] : json.as_object()) TRY(take_member(name, value, report));
  for (const char* name : {"act", "phase", "command", "arguments", "uid", "user", "at"}) {
    if (json.find(name) == nullptr) return base::invalid_input(fmt::format("{}: missing", name));
  }
  if (report.act == 0 || report.command.empty())
    return base::invalid_input("an act has a number and a command");
  if (report.finished != (json.find("outcome") != nullptr))
    return base::invalid_input("outcome: of an act that is finished, and of no other");
  return report;
}

std::string act_file_name(const ActReport& report) {
  return fmt::format("{:019}-{:014x}-{}.json", report.at_us, report.act,
                     report.finished ? "finished" : "begun");
}

bool is_act_file_name(std::string_view name) {
  constexpr std::size_t kTime = 19, kAct = 14;
  const auto only = [](std::string_view text, std::string_view letters) {
    return text.find_first_not_of(letters) == text.npos;
  };
  if (name.size() < kTime + kAct + 2 || name[kTime] != '-' || name[kTime + 1 + kAct] != '-')
    return false;
  const std::string_view phase = name.substr(kTime + kAct + 2);
  return only(name.substr(0, kTime), "0123456789") &&
         only(name.substr(kTime + 1, kAct), "0123456789abcdef") &&
         (phase == "begun.json" || phase == "finished.json");
}

}  // namespace daemon_supervisor
