#include "daemon/health/gpu_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>

#include "daemon/health/json_members.h"
#include "daemon/health/reading_fields.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/check.h"

namespace daemon_health {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr std::string_view kTop = "gpu facts";
constexpr std::int64_t kCounterLimit = bounds::kCounter;
constexpr std::int64_t kEventAgeMsMax = 86'400'000;
constexpr std::int64_t kPidMax = 1 << 30;
constexpr std::int64_t kIndexMax = 1'023;
constexpr std::size_t kWordBytesMax = 32;
constexpr std::size_t kValuesMax = 8'192;  // of a message's JSON
constexpr std::size_t kDepthMax = 6;

constexpr std::array<std::string_view, 8> kStatusNames = {
    "ok",          "not_supported",  "no_permission", "timeout",
    "gpu_is_lost", "reset_required", "error",         "no_driver"};
constexpr std::array<std::string_view, 9> kRecoveryNames = {
    "none",      "gpu_reset",       "node_reboot",
    "drain_p2p", "drain_and_reset", "recover_imex_domain",
    "bus_reset", "system_reboot",   "unknown"};
constexpr std::size_t kUnknownRecovery = kRecoveryNames.size() - 1;

// ---- to JSON

Json events_json(const std::vector<GpuEvent>& events) {
  Json list = Json::array();
  for (const GpuEvent& event : events)
    list.push_back(
        Json::object({{"age_ms", event.age_ms}, {"type", event.type}, {"xid", event.xid}}));
  return list;
}

Json reading_json(const GpuReading& reading) {
  Json json = Json::object({{"uuid", reading.uuid},
                            {"name", reading.name},
                            {"pci_bus_id", reading.pci_bus_id},
                            {"index", reading.index},
                            {"status", nvml_status_name(reading.status)}});
  if (reading.recovery) json.set("recovery", recovery_action_name(*reading.recovery));
  if (!reading.events.empty()) json.set("events", events_json(reading.events));
  if (reading.events_lost > 0) json.set("events_lost", reading.events_lost);
  for (const ReadingField& field : kReadingFields) {
    std::visit(
        [&](const auto member) {
          if (reading.*member) json.set(std::string(field.key), *(reading.*member));
        },
        field.member);
  }
  if (reading.processes.empty()) return json;
  Json pids = Json::array();
  for (const std::uint32_t pid : reading.processes) pids.push_back(pid);
  json.set("processes", std::move(pids));
  return json;
}

// ---- and back

template <std::size_t N>
Result<std::size_t> parse_word(const Json& value, const std::string& path,
                               const std::array<std::string_view, N>& words) {
  const std::string word = TRY(text_value(value, path, 1, kWordBytesMax));
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end())
    return base::invalid_input(fmt::format("{}: not a word that is known here", path));
  return static_cast<std::size_t>(found - words.begin());
}

Result<NvmlStatus> parse_status(JsonMembers& members) {
  const Json* value = members.find("status");
  if (value == nullptr)
    return base::invalid_input(fmt::format("{}: missing", members.path_of("status")));
  return static_cast<NvmlStatus>(TRY(parse_word(*value, members.path_of("status"), kStatusNames)));
}

Result<std::optional<RecoveryAction>> parse_recovery(JsonMembers& members) {
  const Json* value = members.find("recovery");
  if (value == nullptr) return std::optional<RecoveryAction>();
  const std::size_t word = TRY(parse_word(*value, members.path_of("recovery"), kRecoveryNames));
  if (word == kUnknownRecovery) return std::optional(RecoveryAction::kUnknown);
  return std::optional(static_cast<RecoveryAction>(word));
}

Result<GpuEvent> parse_event(const Json& json, const std::string& path) {
  JsonMembers members = TRY(JsonMembers::open(json, path));
  GpuEvent event;
  event.type = static_cast<std::uint64_t>(TRY(members.integer("type", 1, kEventTypeMax)));
  event.xid = static_cast<std::uint64_t>(TRY(members.integer("xid", 0, kCounterLimit)));
  event.age_ms = TRY(members.integer("age_ms", 0, kEventAgeMsMax));
  TRY(members.expect_no_more());
  return event;
}

Status parse_events(JsonMembers& members, GpuReading& reading) {
  if (const Json::Array* list = TRY(members.list("events", kEventsMax))) {
    for (const Json& item : *list)
      reading.events.push_back(TRY(
          parse_event(item, members.path_of(fmt::format("events[{}]", reading.events.size())))));
  }
  const Json* lost = members.find("events_lost");
  if (lost == nullptr) return {};
  const auto count = TRY(integer_value(*lost, members.path_of("events_lost"), 1, kCounterLimit));
  reading.events_lost = static_cast<std::uint64_t>(count);
  return {};
}

Status parse_processes(JsonMembers& members, GpuReading& reading) {
  const Json::Array* list = TRY(members.list("processes", kProcessesMax));
  if (list == nullptr) return {};
  for (const Json& item : *list) {
    const auto pid = TRY(integer_value(item, members.path_of("processes"), 1, kPidMax));
    reading.processes.push_back(static_cast<std::uint32_t>(pid));
  }
  return {};
}

Status parse_field(JsonMembers& members, const ReadingField& field, GpuReading& reading) {
  const Json* value = members.find(field.key);
  if (value == nullptr) return {};
  const std::string path = members.path_of(field.key);
  if (const auto* flag = std::get_if<ReadingField::Flag>(&field.member)) {
    if (!value->is_bool())
      return base::invalid_input(fmt::format("{}: neither true nor false", path));
    reading.*(*flag) = value->as_bool();
    return {};
  }
  const std::int64_t number = TRY(integer_value(*value, path, field.min, field.max));
  std::visit(
      [&](const auto member) {
        using Number = typename std::remove_reference_t<decltype(reading.*member)>::value_type;
        reading.*member = static_cast<Number>(number);
      },
      field.member);
  return {};
}

Result<GpuReading> parse_reading(const Json& json, std::string path) {
  JsonMembers members = TRY(JsonMembers::open(json, std::move(path)));
  GpuReading reading;
  reading.uuid = TRY(members.text("uuid", 1, kUuidBytesMax));
  reading.name = TRY(members.text("name", 0, kNameBytesMax));
  reading.pci_bus_id = TRY(members.text("pci_bus_id", 0, kPciBusIdBytesMax));
  reading.index = static_cast<std::uint32_t>(TRY(members.integer("index", 0, kIndexMax)));
  reading.status = TRY(parse_status(members));
  reading.recovery = TRY(parse_recovery(members));
  TRY(parse_events(members, reading));
  for (const ReadingField& field : kReadingFields) TRY(parse_field(members, field, reading));
  TRY(parse_processes(members, reading));
  TRY(members.expect_no_more());
  return reading;
}

std::size_t count_events(std::span<const GpuReading> gpus) {
  std::size_t events = 0;
  for (const GpuReading& gpu : gpus) events += gpu.events.size();
  return events;
}

bool names_gpu(std::span<const GpuReading> gpus, std::string_view uuid) {
  return std::any_of(gpus.begin(), gpus.end(),
                     [&](const GpuReading& gpu) { return gpu.uuid == uuid; });
}

Status parse_gpus(JsonMembers& members, std::vector<GpuReading>& gpus) {
  const Json::Array* list = TRY(members.list("gpus", kGpusMax));
  if (list == nullptr) return {};
  for (const Json& item : *list) {
    const std::string path = members.path_of(fmt::format("gpus[{}]", gpus.size()));
    GpuReading reading = TRY(parse_reading(item, path));
    if (names_gpu(gpus, reading.uuid))
      return base::invalid_input(fmt::format("{}.uuid: named twice", path));
    gpus.push_back(std::move(reading));
  }
  const std::size_t events = count_events(gpus);
  if (events <= kEventsMax) return {};
  return base::invalid_input(fmt::format("{}: {} events, at most {} allowed",
                                         members.path_of("gpus"), events, kEventsMax));
}

// ---- bounds of what a library said

void bound_text(std::string& text, std::size_t bytes_max) {
  text.resize(std::min(text.size(), bytes_max));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
}

template <typename Number>
void bound_number(std::optional<Number>& number, const ReadingField& field) {
  if (!number) return;
  const bool above = std::cmp_greater(*number, field.max);
  if (above && field.saturates) {
    number = static_cast<Number>(field.max);
  } else if (above || std::cmp_less(*number, field.min)) {
    number.reset();
  }
}
void bound_number(std::optional<bool>&, const ReadingField&) {}

void bound_event(GpuEvent& event) {
  event.xid = std::min(event.xid, kCounterMax);
  event.age_ms = std::clamp<std::int64_t>(event.age_ms, 0, kEventAgeMsMax);
}

}  // namespace

std::string_view nvml_status_name(NvmlStatus status) {
  return kStatusNames[static_cast<std::size_t>(status)];
}

std::string_view recovery_action_name(RecoveryAction action) {
  return kRecoveryNames[std::min<std::size_t>(static_cast<std::size_t>(action), kUnknownRecovery)];
}

void GpuReading::bound() {
  bound_text(uuid, kUuidBytesMax);
  bound_text(name, kNameBytesMax);
  bound_text(pci_bus_id, kPciBusIdBytesMax);
  index = std::min(index, static_cast<std::uint32_t>(kIndexMax));
  std::erase_if(
      events, [](const GpuEvent& event) { return event.type == 0 || event.type > kEventTypeMax; });
  keep_events(kEventsMax);
  for (GpuEvent& event : events) bound_event(event);
  for (const ReadingField& field : kReadingFields)
    std::visit([&](const auto member) { bound_number(this->*member, field); }, field.member);
  std::erase_if(processes, [](std::uint32_t pid) { return pid == 0 || pid > kPidMax; });
  processes.resize(std::min(processes.size(), kProcessesMax));
}

void GpuReading::keep_events(std::size_t count) {
  if (events.size() > count) {
    events_lost += events.size() - count;
    events.resize(count);
  }
  events_lost = std::min(events_lost, kCounterMax);
}

void GpuSnapshot::bound() {
  std::vector<GpuReading> distinct;
  std::size_t more = 0;
  std::size_t events_left = kEventsMax;
  for (GpuReading& gpu : gpus) {
    gpu.bound();
    if (gpu.uuid.empty() || names_gpu(distinct, gpu.uuid)) continue;
    if (distinct.size() == kGpusMax) {
      ++more;
      continue;
    }
    gpu.keep_events(events_left);
    events_left -= gpu.events.size();
    distinct.push_back(std::move(gpu));
  }
  gpus = std::move(distinct);
  if (more > 0) error = fmt::format("{} GPUs beyond the first {} are not watched", more, kGpusMax);
  bound_text(error, kErrorBytesMax);
  bound_text(driver_version, kVersionBytesMax);
  bound_text(nvml_version, kVersionBytesMax);
  round = std::min(round, kCounterMax);
  round_ms = std::clamp<std::int64_t>(round_ms, 0, kCounterLimit);
}

Json GpuSnapshot::serialize() const {
  Json json = Json::object({{"status", nvml_status_name(status)},
                            {"error", error},
                            {"driver_version", driver_version},
                            {"nvml_version", nvml_version},
                            {"round", round},
                            {"round_ms", round_ms}});
  if (gpus.empty()) return json;
  Json list = Json::array();
  for (const GpuReading& gpu : gpus) list.push_back(reading_json(gpu));
  json.set("gpus", std::move(list));
  return json;
}

Result<GpuSnapshot> GpuSnapshot::parse(const Json& json) {
  JsonMembers members = TRY(JsonMembers::open(json, std::string(kTop)));
  GpuSnapshot snapshot;
  snapshot.status = TRY(parse_status(members));
  snapshot.error = TRY(members.text("error", 0, kErrorBytesMax));
  snapshot.driver_version = TRY(members.text("driver_version", 0, kVersionBytesMax));
  snapshot.nvml_version = TRY(members.text("nvml_version", 0, kVersionBytesMax));
  snapshot.round = static_cast<std::uint64_t>(TRY(members.integer("round", 0, kCounterLimit)));
  snapshot.round_ms = TRY(members.integer("round_ms", 0, kCounterLimit));
  TRY(parse_gpus(members, snapshot.gpus));
  TRY(members.expect_no_more());
  return snapshot;
}

// bound() has made of it what has a canonical form.
std::string GpuSnapshot::text() const {
  auto text = base::canonical_json(serialize());
  CHECK(text.ok());
  return std::move(text).value();
}

Result<GpuSnapshot> GpuSnapshot::parse_text(std::string_view text) {
  const base::JsonLimits limits{
      .bytes_max = kSnapshotBytesMax, .depth_max = kDepthMax, .values_max = kValuesMax};
  const Json json = TRY(base::parse_canonical_json(text, limits).context(kTop));
  return parse(json);
}

}  // namespace daemon_health
