#include "provisioning/store/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hardening/base/json.h"
#include "hardening/base/utf8.h"
#include "provisioning/json_fields.h"

namespace provisioning {
namespace {

using base::invalid_input;
using base::Json;

constexpr std::size_t kIdDigits = 64;  // SHA-256, lower-case hex
constexpr std::string_view kType = "redoubt-activation";
constexpr std::int64_t kFormat = 1;

bool is_model_id(std::string_view text) {
  return text.size() == kIdDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A reason may quote what a broken file says: it is kept short, and text.
std::string tidy(std::string why) {
  why.resize(std::min(why.size(), kFailureTextBytesMax));
  why.resize(why.size() - base::incomplete_utf8_suffix(why));
  return base::is_utf8(why) ? why : "the reason given is not text";
}

base::Result<std::string> id_member(const Json& object, std::string_view key, std::string_view path,
                                    bool may_be_empty) {
  std::string id = TRY(string_member(object, key, path));
  if (is_model_id(id) || (may_be_empty && id.empty())) return id;
  return invalid_input(fmt::format("{}.{} is not a model id", path, key));
}

base::Result<std::int64_t> int_member(const Json& object, std::string_view key,
                                      std::string_view path, std::int64_t max) {
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_int() || value->as_int() < 0 || value->as_int() > max)
    return invalid_input(fmt::format("{}.{} is not an integer of 0 to {}", path, key, max));
  return value->as_int();
}

base::Result<Activation::Trial> parse_trial(const Json& json) {
  TRY(only_members(json, {"id", "starts"}, "trial"));
  Activation::Trial trial;
  trial.id = TRY(id_member(json, "id", "trial", false));
  trial.starts =
      static_cast<std::uint32_t>(TRY(int_member(json, "starts", "trial", kTrialStartsMax)));
  return trial;
}

base::Result<Activation::Failure> parse_failure(const Json& json) {
  if (!json.is_object()) return invalid_input("failed: an entry is not an object");
  TRY(only_members(json, {"id", "why", "time"}, "failed"));
  Activation::Failure failure;
  failure.id = TRY(id_member(json, "id", "failed", false));
  failure.why = TRY(string_member(json, "why", "failed"));
  if (failure.why.size() > kFailureTextBytesMax)
    return invalid_input(fmt::format("failed.why has over {} bytes", kFailureTextBytesMax));
  failure.time = TRY(int_member(json, "time", "failed", INT64_MAX));
  return failure;
}

base::Status parse_failures(const Json& list, Activation& out) {
  if (list.as_array().size() > kFailuresMax)
    return invalid_input(fmt::format("failed has over {} entries", kFailuresMax));
  for (const Json& item : list.as_array()) {
    auto failure = TRY(parse_failure(item));
    if (out.failure_of(failure.id) != nullptr) return invalid_input("failed names a model twice");
    out.failed.push_back(std::move(failure));
  }
  return {};
}

base::Status parse_pinned(const Json& list, Activation& out) {
  if (list.as_array().size() > kPinnedMax)
    return invalid_input(fmt::format("pinned has over {} entries", kPinnedMax));
  for (const Json& item : list.as_array()) {
    if (!item.is_string() || !is_model_id(item.as_string()))
      return invalid_input("pinned: an entry is not a model id");
    if (!out.pinned.insert(item.as_string()).second)
      return invalid_input("pinned names a model twice");
  }
  return {};
}

// What no single member can tell.
base::Status check_together(const Activation& activation) {
  if (activation.active.empty() && !activation.previous.empty())
    return invalid_input("previous without active");
  if (!activation.active.empty() && activation.previous == activation.active)
    return invalid_input("previous is active itself");
  if (activation.trial && activation.trial->id == activation.active)
    return invalid_input("trial.id is active already");
  if (activation.trial && activation.failure_of(activation.trial->id) != nullptr)
    return invalid_input("trial.id has failed");
  return {};
}

}  // namespace

const Activation::Failure* Activation::failure_of(std::string_view id) const {
  const auto found =
      std::find_if(failed.begin(), failed.end(), [id](const Failure& f) { return f.id == id; });
  return found != failed.end() ? &*found : nullptr;
}

bool Activation::needs(std::string_view id) const {
  return id == active || id == previous || (trial && trial->id == id) ||
         pinned.contains(std::string(id));
}

const std::string& Activation::to_start() const {
  return trial && trial->starts < kTrialStartsMax ? trial->id : active;
}

void Activation::propose(std::string id) {
  std::erase_if(failed, [&id](const Failure& f) { return f.id == id; });
  trial.reset();
  if (id != active) trial = Trial{std::move(id), 0};
}

bool Activation::start_trial(std::int64_t now) {
  if (!trial) return false;
  if (trial->starts >= kTrialStartsMax) {
    fail(fmt::format("was started {} times and never became ready", trial->starts), now);
    return false;
  }
  ++trial->starts;
  return true;
}

void Activation::prove() {
  if (!trial) return;
  previous = std::exchange(active, std::move(trial->id));
  trial.reset();
}

void Activation::fail(std::string why, std::int64_t now) {
  if (!trial) return;
  if (failed.size() == kFailuresMax) failed.erase(failed.begin());
  failed.push_back({std::move(trial->id), tidy(std::move(why)), std::max<std::int64_t>(0, now)});
  trial.reset();
}

bool Activation::fail_active(std::string why, std::int64_t now) {
  if (previous.empty() || failure_of(previous) != nullptr) return false;
  const auto waiting = std::exchange(trial, Trial{std::exchange(active, ""), 0});
  fail(std::move(why), now);
  active = std::exchange(previous, "");
  if (waiting && waiting->id != active) trial = waiting;
  return true;
}

base::Status Activation::roll_back() {
  if (previous.empty()) return base::not_found("there is no model to go back to");
  propose(previous);
  return {};
}

std::string Activation::serialize() const {
  Json json = Json::object(
      {{"type", kType}, {"format", kFormat}, {"active", active}, {"previous", previous}});
  if (trial) json.set("trial", Json::object({{"id", trial->id}, {"starts", trial->starts}}));
  Json failures = Json::array();
  for (const Failure& f : failed)
    failures.push_back(Json::object({{"id", f.id}, {"why", f.why}, {"time", f.time}}));
  Json pins = Json::array();
  for (const std::string& id : pinned) pins.push_back(id);
  json.set("failed", std::move(failures));
  json.set("pinned", std::move(pins));
  return json.dump();
}

base::Result<Activation> Activation::parse(std::string_view text) {
  constexpr std::string_view kPath = "activation";
  const Json json = TRY(Json::parse(text, {kActivationBytesMax, 4, 2 * kPinnedMax}).context(kPath));
  if (!json.is_object()) return invalid_input("activation is not an object");
  TRY(only_members(json, {"type", "format", "active", "previous", "trial", "failed", "pinned"},
                   kPath));
  TRY(expect_string(json, "type", kType, kPath));
  if (TRY(int_member(json, "format", kPath, INT64_MAX)) != kFormat)
    return base::unsupported("activation.format is not 1");
  Activation activation;
  activation.active = TRY(id_member(json, "active", kPath, true));
  activation.previous = TRY(id_member(json, "previous", kPath, true));
  if (json.find("trial") != nullptr)
    activation.trial = TRY(parse_trial(*TRY(object_member(json, "trial", kPath))));
  TRY(parse_failures(*TRY(array_member(json, "failed", kPath)), activation));
  TRY(parse_pinned(*TRY(array_member(json, "pinned", kPath)), activation));
  TRY(check_together(activation));
  return activation;
}

}  // namespace provisioning
