#include "daemon/audit/records/record_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/audit/records/safe_text.h"

namespace daemon_audit {
namespace {

// A sentence is made of pieces between '|'. {a.b} is a member; a piece whose member is missing (or,
// with '?', not true; with '#', not more than 1) is left out, with what stands around it.
struct Phrase {
  std::string_view type;
  std::string_view pieces;
};
constexpr std::array kPhrases = {
    Phrase{
        "request.admitted",
        "{method} {endpoint}|, {model.name}|, {prompts.tokens} prompt tokens|, up to "
        "{parameters.tokens_max} more|, {?stream}streamed|, tag {tag}|, user {user}|, {request}"},
    Phrase{"request.finished",
           "{outcome}| ({status})|, {prompt_tokens} prompt| ({cached_tokens} cached)|"
           ", {completion_tokens} completion tokens|, {choices.finish}|, device {device_us}|"
           ", took {duration_us}|, tag {tag}|, user {user}|, {request}"},
    Phrase{"request.refused",
           "refused| with {status}| {code}|, {method} {endpoint}|, {#count} times|, {request}"},
    Phrase{"request.lost", "{request} was never finished|: admitted at {admitted}"},
    Phrase{"auth.failed", "key {reason}|, {method} {endpoint}|, {#count} times"},
    Phrase{"service.started", "version {version} started"},
    Phrase{"service.stopping", "stopping|: {reason}"},
    Phrase{"config.loaded", "{path} loaded|: {why}|, changed: {keys}|, SHA-256 {digest}"},
    Phrase{"config.refused", "{path} refused|: {why}|, changed: {keys}|, SHA-256 {digest}"},
    Phrase{"role.ready", "{name} ready|, start {start}"},
    Phrase{"role.ended",
           "{name} ended|: {why}|, {?from_outside}from outside|, again in {restart_in_ms} ms"},
    Phrase{"health.changed", "{what}: {from} to {to}|: {why}"},
    Phrase{"request.quarantined", "no engine is to see {digest} again"},
    Phrase{"gpu.verdict", "{uuid}|: {from} to {to}|, {action}|: {text}|; {next_step}"},
    Phrase{"model.activated",
           "{id} activated|: {name}|, release {release.sequence}| ({release.version})|: {why}"},
    Phrase{"model.proven",
           "{id} proven|: {name}|, release {release.sequence}| ({release.version})|: {why}"},
    Phrase{"model.failed",
           "{id} failed|: {name}|, release {release.sequence}| ({release.version})|: {why}"},
    Phrase{"model.rolled_back",
           "{id} rolled back|: {name}|, release {release.sequence}| ({release.version})|: {why}"},
    Phrase{"act", "{command}| {phase}|: {outcome}|: {why}|, act {act}|, since {at}"},
    Phrase{"log.opened",
           "opened| at {size}|, {recovered} records recovered|, {torn_bytes} bytes torn"},
    Phrase{"log.closed", "closed| at {size}"},
    Phrase{"log.resumed", "can be written again| after {failed_ms} ms|: {why}|, {refused} refused"},
    Phrase{"log.capacity", "disk {percent} % full|, {free_bytes} bytes free"},
    Phrase{"log.cosigned", "{witness} has signed size {size}"},
    Phrase{"log.pruned", "entries before {first} removed"},
    Phrase{"log.unsealed", "{files} sealed texts removed"},
    Phrase{"clock.stepped", "wall clock stepped by {step_us}"},
};

constexpr std::size_t kValueChars = 96;

std::string duration_text(std::int64_t us) {
  if (us < 10'000 && us > -10'000) return fmt::format("{} us", us);
  if (us < 10'000'000 && us > -10'000'000) return fmt::format("{} ms", us / 1'000);
  return fmt::format("{} s", us / 1'000'000);
}

std::optional<std::string> value_text(const base::Json& value, std::string_view path);

// Numbers are added up, texts are listed.
std::optional<std::string> array_text(const base::Json::Array& items, std::string_view path) {
  std::int64_t sum = 0;
  std::string list;
  bool numbers = true, found = false;
  for (const base::Json& item : items) {
    const base::Json* member = item.is_object() ? item.find(path) : &item;
    if (member == nullptr) continue;
    found = true;
    numbers = numbers && member->is_int() && !__builtin_add_overflow(sum, member->as_int(), &sum);
    if (const auto text = value_text(*member, {})) list += (list.empty() ? "" : " ") + *text;
  }
  if (found && numbers) return fmt::format("{}", sum);
  return list.empty() ? std::nullopt : std::optional(list);
}

std::optional<std::string> value_text(const base::Json& value, std::string_view path) {
  if (value.is_array()) return array_text(value.as_array(), path);
  if (!path.empty()) {
    const auto dot = path.find('.');
    const base::Json* member = value.is_object() ? value.find(path.substr(0, dot)) : nullptr;
    if (member == nullptr) return std::nullopt;
    return value_text(*member, dot == path.npos ? "" : path.substr(dot + 1));
  }
  if (value.is_string()) return safe_text(value.as_string(), kValueChars);
  if (value.is_bool() || value.is_number()) return value.dump();
  return std::nullopt;
}

std::optional<std::string> member_text(const base::Json& body, std::string_view path) {
  if (path.starts_with('?')) {
    const base::Json* member = body.find(path.substr(1));
    const bool said = member != nullptr && member->is_bool() && member->as_bool();
    return said ? std::optional(std::string()) : std::nullopt;
  }
  if (path.starts_with('#')) {
    const base::Json* member = body.find(path.substr(1));
    const bool several = member != nullptr && member->is_int() && member->as_int() > 1;
    return several ? std::optional(member->dump()) : std::nullopt;
  }
  const base::Json* member = body.find(path);
  if (path.ends_with("_us") && member != nullptr && member->is_int()) {
    return duration_text(member->as_int());
  }
  return value_text(body, path);
}

// Nothing: a member of it is missing.
std::optional<std::string> piece_text(const base::Json& body, std::string_view piece) {
  std::string text;
  while (!piece.empty()) {
    const auto open = piece.find('{');
    text += piece.substr(0, open);
    if (open == piece.npos) break;
    const auto close = piece.find('}', open);
    const auto member = member_text(body, piece.substr(open + 1, close - open - 1));
    if (!member) return std::nullopt;
    text += *member;
    piece.remove_prefix(close + 1);
  }
  return text;
}

std::string_view phrase_of(std::string_view type) {
  const auto* found = std::find_if(kPhrases.begin(), kPhrases.end(),
                                   [type](const Phrase& phrase) { return phrase.type == type; });
  return found == kPhrases.end() ? std::string_view() : found->pieces;
}

int type_width() {
  std::size_t width = 0;
  for (const EventType& type : event_types()) width = std::max(width, type.name.size());
  return static_cast<int>(width);
}

}  // namespace

std::string record_sentence(const Record& record) {
  std::string sentence;
  std::string_view pieces = phrase_of(record.type);
  while (!pieces.empty()) {
    const auto bar = pieces.find('|');
    if (const auto piece = piece_text(record.body, pieces.substr(0, bar))) sentence += *piece;
    if (bar == pieces.npos) break;
    pieces.remove_prefix(bar + 1);
  }
  return sentence;
}

std::string record_actor(const Record& record) {
  for (const std::string_view path : {"key", "user", "client.address"}) {
    if (path == "user" && record.type != "act") continue;
    if (const auto text = value_text(record.body, path)) return *text;
  }
  if (const auto uid = value_text(record.body, "uid")) return "uid " + *uid;
  return std::string(reporter_name(record.role));
}

std::string record_line(const Record& record, int index_width) {
  constexpr int kActorWidth = 12;  // as wide as the id of a key
  return fmt::format("{}  {:>{}}  {:{}}  {:{}}  {}\n", format_time_us(record.time_us), record.index,
                     index_width, record.type, type_width(), record_actor(record), kActorWidth,
                     record_sentence(record));
}

}  // namespace daemon_audit
