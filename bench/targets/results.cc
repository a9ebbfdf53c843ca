#include "bench/targets/results.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/targets/target_list.h"
#include "hardening/base/file.h"

namespace bench {
namespace {

using base::Json;
using base::Result;

constexpr std::size_t kFileBytesMax = 1 << 20;

const Json* at(const Json& json, const std::vector<std::string_view>& path) {
  const Json* value = &json;
  for (const std::string_view name : path) {
    value = value->is_object() ? value->find(name) : nullptr;
    if (value == nullptr) return nullptr;
  }
  return value;
}

// Nothing when there is no such file.
Result<std::optional<Json>> read_json(const std::string& path) {
  const auto text = base::read_text_file(path, kFileBytesMax);
  if (!text.ok()) {
    if (text.error().code == base::ErrorCode::kNotFound) return std::optional<Json>();
    return text.error();
  }
  return std::optional<Json>(TRY(Json::parse(text.value()).context(path)));
}

// A machine that was disturbed while its limits were measured shows less than it can do.
void keep_best(MachineLimits& limits, const MachineLimits& more) {
  limits.threads = more.threads;
  limits.huge_page_share = std::max(limits.huge_page_share, more.huge_page_share);
  for (const Limit& limit : more.limits) {
    const auto same = std::find_if(limits.limits.begin(), limits.limits.end(),
                                   [&limit](const Limit& known) { return known.key == limit.key; });
    if (same == limits.limits.end()) {
      limits.limits.push_back(limit);
    } else {
      same->one_thread = std::max(same->one_thread, limit.one_thread);
      same->all_threads = std::max(same->all_threads, limit.all_threads);
    }
  }
}

ModelResult make_model_result(Json json) {
  ModelResult result;
  const Json* set = at(json, {"kernel_set"});
  if (set != nullptr && set->is_string()) result.kernel_set = set->as_string();
  result.work.bytes_per_token =
      static_cast<std::uint64_t>(number_at(json, {"bytes_per_token"}).value_or(0));
  result.work.layer_ops_per_token = number_at(json, {"layer_ops_per_token"}).value_or(0);
  result.work.head_ops = number_at(json, {"head_ops"}).value_or(0);
  result.json = std::move(json);
  const Json* formats = at(result.json, {"layer_ops_by_format"});
  if (formats != nullptr && formats->is_object()) {
    for (const auto& [name, ops] : formats->as_object()) {
      if (ops.is_number()) result.work.formats.push_back({name, ops.as_double()});
    }
  }
  return result;
}

}  // namespace

std::optional<double> number_at(const Json& json, const std::vector<std::string_view>& path) {
  const Json* value = at(json, path);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->as_double();
}

std::optional<double> ModelResult::rate(std::string_view measure, std::string_view side) const {
  return number_at(json, {"measures", measure, side});
}

std::string ModelResult::variant(std::string_view measure) const {
  const Json* value = at(json, {"measures", measure, "variant"});
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

Result<Results> read_results(const std::string& directory) {
  Results results;
  for (const char* name : {"limits.json", "limits-after.json"}) {
    const auto text = base::read_text_file(directory + "/" + name, kFileBytesMax);
    if (text.ok()) keep_best(results.limits, TRY(parse_limits(text.value()).context(name)));
  }
  for (const std::string_view shape : kShapes) {
    for (const ModelTarget& target : kModelTargets) {
      const std::string name = fmt::format("{}-{}", shape, target.format);
      if (results.models.contains(name)) continue;
      auto json = TRY(read_json(fmt::format("{}/{}.json", directory, name)));
      if (!json) continue;
      ModelResult& model = results.models[name];
      model = make_model_result(std::move(*json));
      const Json* measures = at(model.json, {"measures"});
      if (measures == nullptr || !measures->is_object())
        return base::invalid_input(name + ": no measures");
      for (const auto& [measure, score] : measures->as_object()) {
        results.foreign_share =
            std::max(results.foreign_share, number_at(score, {"foreign_share"}).value_or(0));
      }
    }
  }
  results.our_load = TRY(read_json(directory + "/load-ours.json"));
  results.peer_load = TRY(read_json(directory + "/load-peer.json"));
  results.service = TRY(read_json(directory + "/service.json"));
  return results;
}

}  // namespace bench
