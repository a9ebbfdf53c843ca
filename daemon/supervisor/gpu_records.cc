#include "daemon/supervisor/gpu_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace daemon_supervisor {
namespace {

using base::Json;
using daemon_health::GpuAction;

constexpr base::JsonLimits kLimits{kGpuRecordsBytesMax, 4, 1'000};
constexpr unsigned kPrivate = 0600;
constexpr std::size_t kBootDigits = 32;
constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

// Those that keep a GPU from being used.
constexpr std::array kKept = {GpuAction::kQuarantine, GpuAction::kAskReset, GpuAction::kAskReboot,
                              GpuAction::kCallForRma};

base::Result<std::string> to_text(const Json& value, std::string_view name, std::size_t bytes_max) {
  if (!value.is_string() || value.as_string().size() > bytes_max)
    return base::invalid_input(fmt::format("{}: a text of at most {} bytes", name, bytes_max));
  return value.as_string();
}

base::Result<GpuAction> to_action(const Json& value) {
  for (const GpuAction action : kKept) {
    if (value.is_string() && value.as_string() == daemon_health::gpu_action_name(action))
      return action;
  }
  return base::invalid_input("action: none that keeps a GPU from being used");
}

base::Result<std::int64_t> to_seconds(const Json& value) {
  if (!value.is_int() || value.as_int() < 0 || value.as_int() > kSecondsMax)
    return base::invalid_input(fmt::format("since: seconds from 0 to {}", kSecondsMax));
  return value.as_int();
}

base::Status take_member(const std::string& name, const Json& value, GpuRecord& record) {
  if (name == "uuid") {
    record.uuid = TRY(to_text(value, name, kGpuNameBytesMax));
  } else if (name == "name") {
    record.name = TRY(to_text(value, name, kGpuNameBytesMax));
  } else if (name == "action") {
    record.action = TRY(to_action(value));
  } else if (name == "cause") {
    record.cause = TRY(to_text(value, name, kGpuNameBytesMax));
  } else if (name == "text") {
    record.text = TRY(to_text(value, name, kGpuTextBytesMax));
  } else if (name == "next_step") {
    record.next_step = TRY(to_text(value, name, kGpuTextBytesMax));
  } else if (name == "since") {
    record.since = TRY(to_seconds(value));
  } else {
    return base::invalid_input("gpus: an unknown member");
  }
  return {};
}

base::Result<GpuRecord> to_record(const Json& json) {
  if (!json.is_object()) return base::invalid_input("gpus: not a list of objects");
  GpuRecord record;
  for (const auto& [name, value] : json.as_object()) TRY(take_member(name, value, record));
  for (const char* name : {"uuid", "name", "action", "cause", "text", "next_step", "since"}) {
    if (json.find(name) == nullptr) return base::invalid_input(fmt::format("{}: missing", name));
  }
  if (record.uuid.empty()) return base::invalid_input("uuid: empty");
  return record;
}

base::Status take_gpus(const Json& list, GpuRecords& records) {
  if (!list.is_array() || list.as_array().size() > kGpuRecordsMax)
    return base::invalid_input(fmt::format("gpus: a list of at most {}", kGpuRecordsMax));
  for (const Json& element : list.as_array()) {
    GpuRecord record = TRY(to_record(element));
    if (records.find(record.uuid) != nullptr)
      return base::invalid_input("uuid: a GPU stands there twice");
    records.gpus.push_back(std::move(record));
  }
  return {};
}

base::Result<std::string> to_boot(const Json& value) {
  std::string boot = TRY(to_text(value, "boot", kBootDigits));
  if (boot.size() != kBootDigits || boot.find_first_not_of("0123456789abcdef") != boot.npos)
    return base::invalid_input("boot: not 32 hexadecimal digits");
  return boot;
}

}  // namespace

const GpuRecord* GpuRecords::find(std::string_view uuid) const {
  const auto found =
      std::find_if(gpus.begin(), gpus.end(), [&](const GpuRecord& r) { return r.uuid == uuid; });
  return found == gpus.end() ? nullptr : &*found;
}

GpuRecord* GpuRecords::find(std::string_view uuid) {
  return const_cast<GpuRecord*>(std::as_const(*this).find(uuid));
}

void GpuRecords::erase(std::string_view uuid) {
  std::erase_if(gpus, [&](const GpuRecord& r) { return r.uuid == uuid; });
}

std::string GpuRecords::serialize() const {
  Json list = Json::array();
  for (const GpuRecord& r : gpus) {
    list.push_back(Json::object({{"uuid", r.uuid},
                                 {"name", r.name},
                                 {"action", daemon_health::gpu_action_name(r.action)},
                                 {"cause", r.cause},
                                 {"text", r.text},
                                 {"next_step", r.next_step},
                                 {"since", r.since}}));
  }
  return Json::object({{"boot", boot}, {"gpus", std::move(list)}}).dump() + "\n";
}

base::Result<GpuRecords> GpuRecords::parse(std::string_view text) {
  const Json json = TRY(Json::parse(text, kLimits));
  if (!json.is_object()) return base::invalid_input("not a JSON object");
  GpuRecords records;
  for (const auto& [name, value] : json.as_object()) {
    if (name == "boot") {
      records.boot = TRY(to_boot(value));
    } else if (name == "gpus") {
      TRY(take_gpus(value, records));
    } else {
      return base::invalid_input("an unknown member");
    }
  }
  if (json.find("boot") == nullptr || json.find("gpus") == nullptr)
    return base::invalid_input("boot and gpus are wanted");
  return records;
}

base::Result<GpuRecords> read_gpu_records(const std::string& path) {
  const auto text = base::read_text_file(path, kGpuRecordsBytesMax);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) return GpuRecords();
  return GpuRecords::parse(TRY(text)).context(path);
}

base::Status write_gpu_records(const std::string& path, const GpuRecords& records) {
  return base::replace_file(path, records.serialize(), kPrivate);
}

}  // namespace daemon_supervisor
