#include "daemon/cli/audit_record_finder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/text_fields.h"
#include "hardening/base/json.h"

namespace daemon_cli {
namespace {

constexpr std::string_view kIdCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

base::Result<std::uint64_t> find_index(const daemon_audit::LogReader& log, std::string_view text) {
  const std::uint64_t index =
      TRY(daemon_audit::parse_decimal(text, daemon_audit::kTreeSizeMax - 1, "index"));
  if (index >= log.size()) {
    return base::not_found(
        fmt::format("record {} is not there: the log has {} records", index, log.size()));
  }
  if (index < log.first()) {
    return base::not_found(fmt::format(
        "record {} is not there any more: retention keeps those from {} on", index, log.first()));
  }
  return index;
}

// Whether a record is of that type and that request.
bool is_of(const base::Json& record, std::string_view type, std::string_view request) {
  const base::Json* const of_type = record.find("type");
  const base::Json* const body = record.find("body");
  if (of_type == nullptr || *of_type != base::Json(type)) return false;
  if (body == nullptr || !body->is_object()) return false;
  const base::Json* const id = body->find("request");
  return id != nullptr && *id == base::Json(request);
}

}  // namespace

base::Result<std::uint64_t> find_record(const daemon_audit::LogReader& log, std::string_view text) {
  if (!text.empty() && text.find_first_not_of("0123456789") == text.npos) {
    return find_index(log, text);
  }
  if (text.empty() || text.size() > daemon_audit::kRequestIdBytesMax ||
      text.find_first_not_of(kIdCharacters) != text.npos) {
    return base::invalid_input("neither the index of a record nor the id of a request");
  }
  // Canonical JSON has one spelling: most records need no parser.
  const std::string needle = fmt::format("\"request\":\"{}\"", text);
  std::optional<std::uint64_t> admitted, finished;
  TRY(log.for_each(log.first(),
                   [&](std::uint64_t index, const std::string& entry) -> base::Result<bool> {
                     if (entry.find(needle) == entry.npos) return true;
                     const auto record = base::Json::parse(entry);
                     if (!record.ok() || !record.value().is_object()) return true;
                     if (is_of(record.value(), "request.finished", text)) finished = index;
                     if (is_of(record.value(), "request.admitted", text)) admitted = index;
                     return true;
                   }));
  if (finished) return *finished;
  if (admitted) return *admitted;
  return base::not_found(
      fmt::format("the log has no completion and no admission of request {}", text));
}

}  // namespace daemon_cli
