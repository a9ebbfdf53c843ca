#include <cmath>

#include "bench/limits/limits.h"

namespace bench {
namespace {

using base::Json;
using base::Result;

constexpr std::string_view kOps = "op/s";
constexpr std::string_view kBytes = "byte/s";

Result<double> read_number(const Json& object, std::string_view name) {
  const Json* value = object.is_object() ? object.find(name) : nullptr;
  if (value == nullptr || !value->is_number()) {
    return base::invalid_input("limits: " + std::string(name) + " is not there, or no number");
  }
  return value->as_double();
}

Result<std::string> read_text(const Json& object, std::string_view name) {
  const Json* value = object.is_object() ? object.find(name) : nullptr;
  if (value == nullptr || !value->is_string()) {
    return base::invalid_input("limits: " + std::string(name) + " is not there, or no text");
  }
  return value->as_string();
}

}  // namespace

Json limits_json(const MachineLimits& limits) {
  Json rows = Json::object();
  for (const Limit& limit : limits.limits) {
    rows.set(limit.key,
             Json::object({{"what", limit.what},
                           {"unit", limit.unit == LimitUnit::kOpsPerSecond ? kOps : kBytes},
                           {"one_thread", std::round(limit.one_thread)},
                           {"all_threads", std::round(limit.all_threads)}}));
  }
  return Json::object({{"threads", static_cast<std::uint64_t>(limits.threads)},
                       {"huge_page_share", limits.huge_page_share},
                       {"limits", std::move(rows)}});
}

Result<MachineLimits> parse_limits(std::string_view text) {
  const Json json = TRY(Json::parse(text));
  MachineLimits limits;
  limits.threads = static_cast<std::size_t>(TRY(read_number(json, "threads")));
  limits.huge_page_share = TRY(read_number(json, "huge_page_share"));
  const Json* rows = json.find("limits");
  if (rows == nullptr || !rows->is_object()) return base::invalid_input("limits: no limits in it");
  for (const auto& [key, row] : rows->as_object()) {
    const std::string unit = TRY(read_text(row, "unit"));
    if (unit != kOps && unit != kBytes) return base::invalid_input("limits: unknown unit " + unit);
    limits.limits.push_back({key, TRY(read_text(row, "what")),
                             unit == kOps ? LimitUnit::kOpsPerSecond : LimitUnit::kBytesPerSecond,
                             TRY(read_number(row, "one_thread")),
                             TRY(read_number(row, "all_threads"))});
  }
  return limits;
}

}  // namespace bench
