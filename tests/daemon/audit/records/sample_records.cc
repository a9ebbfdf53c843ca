#include "tests/daemon/audit/records/sample_records.h"

#include <utility>

#include "daemon/audit/records/body_schema.h"
#include "hardening/base/check.h"

namespace daemon_audit {
namespace {

using base::Json;

constexpr std::int64_t kFirstUs = 1'795'284'309'123'456;

// A value that the field's table lets through.
Json sample_value(const BodyField& field, std::string_view text);

Json sample_object(std::span<const BodyField> fields, std::string_view text) {
  Json object = Json::object();
  for (const BodyField& field : fields) {
    object.set(std::string(field.name), sample_value(field, text));
  }
  return object;
}

Json sample_text(const BodyField& field, std::string_view text) {
  if (field.name == "request") return "req-0123456789abcdef";
  if (field.name == "address") return "192.0.2.7";
  if (field.name == "outcome") return "ok";
  return text;
}

Json sample_value(const BodyField& field, std::string_view text) {
  switch (field.kind) {
    case BodyKind::kText:
      return sample_text(field, text);
    case BodyKind::kDigest:
      return std::string(64, 'd');
    case BodyKind::kTime:
      return format_time_us(kFirstUs);
    case BodyKind::kBool:
      return true;
    case BodyKind::kCount:
      return std::int64_t{77};
    case BodyKind::kInteger:
      return std::int64_t{-2'000'000};
    case BodyKind::kNumber:
      return 0.75;
    case BodyKind::kTexts:
      return Json(Json::Array{text, text});
    case BodyKind::kObject:
      return sample_object(field.members, text);
    case BodyKind::kObjects:
      return Json(
          Json::Array{sample_object(field.members, text), sample_object(field.members, text)});
    case BodyKind::kOpen:
      return Json::object({{"said", text}});
  }
  return nullptr;
}

}  // namespace

std::vector<Record> sample_records(std::string_view text) {
  std::vector<Record> records;
  for (const EventType& type : event_types()) {
    const auto index = records.size();
    Record record{.index = index,
                  .time_us = kFirstUs + static_cast<std::int64_t>(index) * 1'000'000,
                  .monotonic_us = static_cast<std::int64_t>(index),
                  .boot = std::string(32, 'b'),
                  .host = "appliance",
                  .role = type.reporter,
                  .type = std::string(type.name),
                  .body = sample_object(body_fields(type.name), text)};
    CHECK(check_body(type.name, record.body).ok());
    records.push_back(std::move(record));
  }
  return records;
}

Record sample_record(std::string_view type, std::string_view text) {
  for (Record& record : sample_records(text)) {
    if (record.type == type) return std::move(record);
  }
  CHECK(false);
  return {};
}

}  // namespace daemon_audit
