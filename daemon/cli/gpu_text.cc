#include "daemon/cli/gpu_text.h"

#include <fmt/format.h>

#include "daemon/cli/table.h"

namespace daemon_cli {
namespace {

using base::Json;

std::string text_of(const Json& json, std::string_view key) {
  const Json* value = json.is_object() ? json.find(key) : nullptr;
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : std::move(text);
}

std::string number_of(const Json* json, std::string_view key, std::int64_t unit,
                      std::string_view suffix) {
  const Json* value = json != nullptr && json->is_object() ? json->find(key) : nullptr;
  if (value == nullptr || !value->is_int()) return "-";
  return fmt::format("{}{}", value->as_int() / unit, suffix);
}

std::string memory_of(const Json* facts) {
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  const std::string total = number_of(facts, "memory_total_bytes", kGiB, " GiB");
  if (total == "-") return total;
  return number_of(facts, "memory_used_bytes", kGiB, "") + " of " + total;
}

// The reason on a line of its own, and the next step on another, beneath the GPU they belong to.
void add_rows(const Json& gpu, Table& table) {
  const Json* facts = gpu.is_object() ? gpu.find("facts") : nullptr;
  const Json* used = gpu.is_object() ? gpu.find("used") : nullptr;
  const bool computes = used != nullptr && used->is_bool() && used->as_bool();
  table.add({or_dash(text_of(gpu, "uuid")), or_dash(text_of(gpu, "name")),
             or_dash(text_of(gpu, "state")), computes ? "yes" : "no",
             number_of(facts, "temperature_c", 1, " C"), memory_of(facts),
             or_dash(text_of(gpu, "cause"))});
}

}  // namespace

std::string format_gpus(const Json* gpu) {
  if (gpu == nullptr || !gpu->is_object()) return "";
  Table table({"GPU", "NAME", "STATE", "USED", "TEMPERATURE", "MEMORY", "CAUSE"});
  Table steps({"GPU", "WHAT IT MEANS", "NEXT STEP"});
  bool any = false;
  const Json* list = gpu->find("gpus");
  if (list != nullptr && list->is_array()) {
    for (const Json& each : list->as_array()) {
      add_rows(each, table);
      if (text_of(each, "text").empty()) continue;
      any = true;
      steps.add({or_dash(text_of(each, "uuid")), text_of(each, "text"),
                 or_dash(text_of(each, "next_step"))});
    }
  }
  std::string text = table.format();
  if (const std::string why = text_of(*gpu, "error"); !why.empty())
    text += Table({"no facts", why}).format();
  return any ? text + "\n" + steps.format() : text;
}

}  // namespace daemon_cli
