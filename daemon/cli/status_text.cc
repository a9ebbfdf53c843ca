#include "daemon/cli/status_text.h"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "daemon/cli/gpu_text.h"
#include "daemon/cli/table.h"

namespace daemon_cli {
namespace {

using base::Json;

const Json* member(const Json* json, std::string_view key) {
  return json != nullptr && json->is_object() ? json->find(key) : nullptr;
}

std::int64_t number(const Json& json, std::string_view key) {
  const Json* value = member(&json, key);
  return value != nullptr && value->is_int() ? value->as_int() : 0;
}

// One value as a word; lists as words with commas.
std::string word(const Json* value) {
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return value->as_string();
  if (value->is_bool()) return value->as_bool() ? "yes" : "no";
  if (!value->is_array()) return value->dump();
  std::string text;
  for (const Json& element : value->as_array()) text += (text.empty() ? "" : ", ") + word(&element);
  return text.empty() ? "none" : text;
}

// The elements of a member that is a list; none where it is anything else.
std::span<const Json> list_of(const Json* json, std::string_view key) {
  const Json* value = member(json, key);
  if (value == nullptr || !value->is_array()) return {};
  return value->as_array();
}

void add_reload_rows(const Json* outcome, Table& table) {
  if (outcome == nullptr) return;
  const Json* error = member(outcome, "error");
  table.add({"last reload", word(member(outcome, "reload")) +
                                (error != nullptr ? ": " + word(error) : std::string())});
  for (const Json& key : list_of(outcome, "needs_restart"))
    table.add({"", word(&key) + ": needs a restart of the service"});
}

// "assistant, sequence 7, id 0123456789ab"; a model without an id or a sequence has its name alone.
std::string model_text(const Json* model) {
  std::string text = word(member(model, "name"));
  if (model == nullptr) return text;
  if (const std::int64_t sequence = number(*model, "sequence"); sequence > 0)
    text += fmt::format(", sequence {}", sequence);
  const Json* id = member(model, "id");
  if (id != nullptr && !word(id).empty()) text += ", id " + word(id).substr(0, 12);
  return text;
}

void add_model_rows(const Json& status, Table& table) {
  table.add({"model", model_text(member(&status, "model"))});
  const Json* activation = member(&status, "activation");
  if (const Json* candidate = member(activation, "candidate"))
    table.add({"on trial", model_text(candidate) + ": " + word(member(activation, "progress"))});
  if (const Json* retiring = member(activation, "retiring")) {
    table.add({"retiring", fmt::format("{}: {} requests left", model_text(retiring),
                                       number(*activation, "retiring_requests"))});
  }
  const Json* models = member(&status, "models");
  if (const Json* failure = member(models, "last_failure")) {
    table.add({"last failed",
               word(member(failure, "id")).substr(0, 12) + ": " + word(member(failure, "why"))});
  }
  if (const Json* error = member(models, "error")) table.add({"store", "ALARM: " + word(error)});
  if (const Json* anchor = member(models, "floor_anchor")) table.add({"floors by", word(anchor)});
}

// How several GPUs compute one model.
std::string_view split_text(const Json* backend) {
  const Json* split = member(backend, "split");
  if (split == nullptr || !split->is_string()) return "";
  if (split->as_string() == "tensor") return " that share each layer";
  return split->as_string() == "layers" ? ", one after the other" : "";
}

// "NVIDIA H200 (cuda-sm90a)", "2 GPUs that share each layer: NVIDIA H200 (cuda-sm90a)" or "CPU
// (cpu-amx): no NVIDIA driver is loaded". Empty where no engine has said it.
std::string computes_text(const Json* roles) {
  if (roles == nullptr || !roles->is_array()) return {};
  const Json* backend = nullptr;
  for (const Json& role : roles->as_array()) {
    if (const Json* found = member(member(&role, "report"), "backend")) backend = found;
  }
  if (backend == nullptr) return {};
  std::string text;
  const std::span<const Json> gpus = list_of(backend, "gpus");
  for (const Json& gpu : gpus) {
    const std::string name = word(member(&gpu, "name"));
    if (!text.ends_with(name)) text += (text.empty() ? "" : ", ") + name;
  }
  if (gpus.empty()) text = "CPU";
  if (gpus.size() > 1) text = fmt::format("{} GPUs{}: {}", gpus.size(), split_text(backend), text);
  text += fmt::format(" ({})", word(member(backend, "kernels")));
  const Json* reason = member(backend, "reason");
  if (reason != nullptr && reason->is_string() && !reason->as_string().empty())
    text += ": " + reason->as_string();
  return text;
}

// "appending, 1234 records" or "FAILING: no space left on device, refusing work since …".
void add_audit_row(const Json* audit, Table& table) {
  if (audit == nullptr) return;
  const Json* sentence = member(audit, "sentence");
  std::string text =
      sentence != nullptr ? "ALARM: " + word(sentence) : word(member(audit, "state"));
  if (const Json* size = member(audit, "size"))
    text += fmt::format(", {} records, {} published", word(size), word(member(audit, "published")));
  if (const std::int64_t percent = number(*audit, "disk_percent"); percent > 0)
    text += fmt::format(", disk {} % used", percent);
  table.add({"audit", text});
}

std::string state_of(const Json& role) {
  std::string state = word(member(&role, "state"));
  if (const Json* progress = member(&role, "progress")) state += ": " + word(progress);
  const std::int64_t restart_in_ms = number(role, "restart_in_ms");
  if (restart_in_ms > 0) state += fmt::format(", again in {} s", (restart_in_ms + 999) / 1'000);
  if (word(member(&role, "degraded")) == "yes") state += ", ALARM: keeps failing";
  return state;
}

std::string roles_table(const Json::Array& roles) {
  Table table({"ROLE", "STATE", "PID", "UPTIME", "RESTARTS", "LAST END"});
  for (const Json& role : roles) {
    const std::int64_t pid = number(role, "pid");
    table.add({word(member(&role, "name")), state_of(role), pid > 0 ? std::to_string(pid) : "-",
               format_duration_ms(number(role, "uptime_ms")),
               std::to_string(number(role, "restarts")), word(member(&role, "last_exit"))});
  }
  return table.format();
}

std::string sandbox_table(const Json::Array& roles) {
  Table table({"SANDBOX", "UID", "NAMESPACES", "LANDLOCK", "SYSCALLS", "LOCKED DOWN", "LEFT OUT"});
  bool any = false;
  for (const Json& role : roles) {
    const Json* sandbox = member(member(&role, "report"), "sandbox");
    if (sandbox == nullptr || !sandbox->is_object()) continue;
    any = true;
    table.add({word(member(&role, "name")), word(member(sandbox, "uid")),
               word(member(sandbox, "namespaces")),
               fmt::format("ABI {}", number(*sandbox, "landlock_abi")),
               word(member(sandbox, "seccomp_allowed")), word(member(sandbox, "locked_down")),
               word(member(sandbox, "skipped"))});
  }
  return any ? "\n" + table.format() : "";
}

// Whatever figures a role gives of itself, one a line.
std::string stats_table(const Json::Array& roles) {
  Table table({"FIGURE", "VALUE"});
  bool any = false;
  for (const Json& role : roles) {
    const Json* stats = member(&role, "stats");
    if (stats == nullptr || !stats->is_object()) continue;
    for (const auto& [key, value] : stats->as_object()) {
      table.add({word(member(&role, "name")) + "." + key, word(&value)});
      any = true;
    }
  }
  return any ? "\n" + table.format() : "";
}

}  // namespace

std::string format_status(const Json& status) {
  Table head({"REDOUBT", word(member(&status, "version"))});
  head.add({"state", word(member(&status, "state"))});
  add_model_rows(status, head);
  if (std::string text = computes_text(member(&status, "roles")); !text.empty())
    head.add({"computes on", std::move(text)});
  add_audit_row(member(&status, "audit"), head);
  if (const Json* alarm = member(member(&status, "gpu"), "alarm"))
    head.add({"gpu", "ALARM: " + word(alarm)});
  head.add({"listening", word(member(&status, "listeners"))});
  head.add({"uptime", format_duration_ms(number(status, "uptime_ms"))});
  if (const std::int64_t quarantined = number(status, "quarantined"); quarantined > 0)
    head.add({"quarantined", fmt::format("{} requests that kill the engine", quarantined)});
  add_reload_rows(member(&status, "last_reload"), head);
  std::string text = head.format();
  const Json* roles = member(&status, "roles");
  if (roles == nullptr || !roles->is_array()) return text;
  const auto& list = roles->as_array();
  if (const Json* gpu = member(&status, "gpu")) text += "\n" + format_gpus(gpu);
  return text + "\n" + roles_table(list) + sandbox_table(list) + stats_table(list);
}

std::string format_reload(const Json& outcome) {
  std::string text = "reload: " + word(member(&outcome, "reload")) + "\n";
  for (const Json& key : list_of(&outcome, "changed")) text += word(&key) + ": in effect\n";
  for (const Json& key : list_of(&outcome, "needs_restart"))
    text += word(&key) + ": needs a restart of the service\n";
  return text;
}

}  // namespace daemon_cli
