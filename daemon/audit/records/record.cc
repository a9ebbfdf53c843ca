#include "daemon/audit/records/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "hardening/base/canonical_json.h"

namespace daemon_audit {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kJsonIntegerMax = (std::int64_t{1} << 53) - 1;
constexpr std::size_t kBootDigits = 32;
constexpr std::size_t kMembers = 9;
constexpr base::JsonLimits kLimits = {
    .bytes_max = kRecordBytesMax, .depth_max = kRecordDepthMax, .values_max = kRecordBytesMax};

bool is_boot_id(std::string_view text) {
  return text.size() == kBootDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Stops at the limit, so that no depth of a value is the depth of our stack.
bool nests_within(const base::Json& value, std::size_t levels) {
  if (!value.is_array() && !value.is_object()) return true;
  if (levels == 0) return false;
  if (value.is_array()) {
    const auto& items = value.as_array();
    return std::all_of(items.begin(), items.end(),
                       [&](const base::Json& item) { return nests_within(item, levels - 1); });
  }
  const auto& members = value.as_object();
  return std::all_of(members.begin(), members.end(), [&](const base::Json::Member& member) {
    return nests_within(member.second, levels - 1);
  });
}

base::Status check_envelope(const Record& record) {
  if (record.index > kRecordIndexMax) return base::invalid_input("record: index beyond 2^48 - 1");
  if (record.time_us < 0 || record.time_us > kRecordTimeUsMax) {
    return base::invalid_input("record: time outside the years 1970 to 9999");
  }
  if (record.monotonic_us < 0 || record.monotonic_us > kJsonIntegerMax) {
    return base::invalid_input("record: monotonic_us outside 0 to 2^53 - 1");
  }
  if (!is_boot_id(record.boot)) return base::invalid_input("record: boot is not 32 hex digits");
  if (record.host.empty() || record.host.size() > kRecordHostBytesMax) {
    return base::invalid_input(
        fmt::format("record: host is not 1 to {} bytes", kRecordHostBytesMax));
  }
  const EventType* type = find_event_type(record.type);
  if (type == nullptr) return base::invalid_input("record: unknown type");
  if (type->reporter != record.role) {
    return base::invalid_input(fmt::format("record: {} is not for the {} to report", record.type,
                                           reporter_name(record.role)));
  }
  if (!record.body.is_object()) return base::invalid_input("record: body is not an object");
  return {};
}

std::optional<Reporter> find_reporter(std::string_view name) {
  for (const Reporter reporter : {Reporter::kGateway, Reporter::kSupervisor, Reporter::kAuditor}) {
    if (name == reporter_name(reporter)) return reporter;
  }
  return std::nullopt;
}

// The envelope's members of a parsed record, whatever else there is.
class Members {
 public:
  explicit Members(const base::Json& record) : record_(record) {}

  base::Result<std::string> text(std::string_view name) const {
    const base::Json* member = record_.find(name);
    if (member == nullptr || !member->is_string()) {
      return base::invalid_input(fmt::format("record: {} is no string", name));
    }
    return member->as_string();
  }

  base::Result<std::int64_t> count(std::string_view name) const {
    const base::Json* member = record_.find(name);
    if (member == nullptr || !member->is_int() || member->as_int() < 0) {
      return base::invalid_input(fmt::format("record: {} is no count", name));
    }
    return member->as_int();
  }

 private:
  const base::Json& record_;
};

}  // namespace

base::Result<std::string> Record::serialize() const {
  TRY(check_envelope(*this));
  if (!nests_within(body, kRecordDepthMax - 1)) {
    return base::exhausted(fmt::format("record: body nested deeper than {}", kRecordDepthMax - 1));
  }
  const std::string body_text = TRY(base::canonical_json(body).context("record: body"));
  if (body_text.size() > kRecordBodyBytesMax) {
    return base::exhausted(
        fmt::format("record: body of {} bytes, limit {}", body_text.size(), kRecordBodyBytesMax));
  }
  const std::string host_text = TRY(base::canonical_json(host).context("record: host"));
  // What else varies has been checked to need no escapes; the names stand in canonical order.
  std::string text = fmt::format(
      R"({{"body":{},"boot":"{}","host":{},"index":{},"monotonic_us":{},"role":"{}","time":"{}","type":"{}","v":{}}})",
      body_text, boot, host_text, index, monotonic_us, reporter_name(role), format_time_us(time_us),
      type, kVersion);
  if (text.size() > kRecordBytesMax) {
    return base::exhausted(
        fmt::format("record of {} bytes, limit {}", text.size(), kRecordBytesMax));
  }
  return text;
}

base::Result<Record> Record::parse(std::string_view text) {
  base::Json json = TRY(base::Json::parse(text, kLimits).context("record"));
  if (!json.is_object()) return base::invalid_input("record: not an object");
  if (json.as_object().size() != kMembers) {
    return base::invalid_input(fmt::format("record: not {} members", kMembers));
  }
  const Members members(json);
  if (TRY(members.count("v")) != kVersion) return base::invalid_input("record: unknown version v");
  Record record;
  record.index = static_cast<std::uint64_t>(TRY(members.count("index")));
  record.time_us = TRY(parse_time_us(TRY(members.text("time"))).context("record: time"));
  record.monotonic_us = TRY(members.count("monotonic_us"));
  record.boot = TRY(members.text("boot"));
  record.host = TRY(members.text("host"));
  record.type = TRY(members.text("type"));
  const auto role = find_reporter(TRY(members.text("role")));
  if (!role) return base::invalid_input("record: unknown role");
  record.role = *role;
  const base::Json* body = json.find("body");
  if (body == nullptr) return base::invalid_input("record: no body");
  record.body = *body;
  // One text for one record: whatever serialize() refuses or writes otherwise is none.
  if (TRY(record.serialize()) != text) return base::invalid_input("record: not canonical JSON");
  return record;
}

}  // namespace daemon_audit
