#include "provisioning/trust/floors.h"

#include <fmt/format.h>

#include "hardening/base/json.h"
#include "provisioning/json_fields.h"
#include "provisioning/trust/document_fields.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::string_view kType = "redoubt-floors";
constexpr std::size_t kLinesMax = 10'000;
constexpr base::JsonLimits kLimits{
    .bytes_max = 4u << 20, .depth_max = 4, .values_max = kLinesMax * 4 + 16};

base::Status parse_line(const Json& json, const std::string& path, Floors& floors) {
  if (!json.is_object()) return base::invalid_input(path + " is not an object");
  TRY(only_members(json, {"name", "sequence", "release"}, path));
  const std::string name = TRY(name_member(json, "name", {1, 128}, path));
  Floors::Line line;
  line.sequence = TRY(integer_member(json, "sequence", 1, kIntegerMax, path));
  line.release_id = TRY(string_member(json, "release", path));
  if (!line.release_id.empty() && !is_id(line.release_id)) {
    return base::invalid_input(path + ".release is not 64 lower-case hexadecimal digits");
  }
  if (!floors.lines.emplace(name, line).second)
    return base::invalid_input(path + ": a name that stood before");
  return {};
}

}  // namespace

std::string Floors::serialize() const {
  Json list = Json::array();
  for (const auto& [name, line] : lines) {
    list.push_back(
        Json::object({{"name", name}, {"sequence", line.sequence}, {"release", line.release_id}}));
  }
  return Json::object({{"type", kType},
                       {"format", 1},
                       {"generation", generation},
                       {"root", root_version},
                       {"time", format_utc_time(time)},
                       {"lines", std::move(list)}})
             .dump() +
         "\n";
}

base::Result<Floors> Floors::parse(std::string_view text) {
  const Json document = TRY(parse_document(text, kType, kLimits));
  TRY(only_members(document, {"type", "format", "generation", "root", "time", "lines"}, kType));
  Floors floors;
  floors.generation = TRY(integer_member(document, "generation", 0, INT64_MAX, kType));
  floors.root_version = TRY(integer_member(document, "root", 0, kIntegerMax, kType));
  floors.time = TRY(time_member(document, "time", kType));
  const auto& list = TRY(array_member(document, "lines", kType))->as_array();
  if (list.size() > kLinesMax) {
    return base::exhausted(
        fmt::format("{}.lines has {} entries, limit {}", kType, list.size(), kLinesMax));
  }
  for (const Json& entry : list) TRY(parse_line(entry, fmt::format("{}.lines", kType), floors));
  return floors;
}

}  // namespace provisioning
