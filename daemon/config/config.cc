#include "daemon/config/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/config/key_table.h"
#include "daemon/config/nearest_name.h"
#include "hardening/base/file.h"

namespace daemon_config {
namespace {

// Collects what is wrong, so that one run of `config check` shows everything.
class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}

  void add(std::uint32_t line, std::string_view message) {
    if (!text_.empty()) text_ += '\n';
    text_ += fmt::format("{}:{}: {}", file_, line, message);
  }
  bool empty() const { return text_.empty(); }
  std::string release() && { return std::move(text_); }

 private:
  std::string_view file_;
  std::string text_;
};

std::string suggestion(std::string_view name, std::span<const std::string_view> candidates) {
  const auto nearest = nearest_name(name, candidates);
  return nearest ? fmt::format("; did you mean \"{}\"?", *nearest) : std::string();
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  for (const KeyRow& row : key_table()) {
    if (names.empty() || names.back() != row.section) names.push_back(row.section);
  }
  return names;
}

std::vector<std::string_view> keys_of(std::string_view section) {
  std::vector<std::string_view> names;
  for (const KeyRow& row : key_table()) {
    if (row.section == section) names.push_back(row.key);
  }
  return names;
}

const KeyRow* find_row(const TomlEntry& entry) {
  for (const KeyRow& row : key_table()) {
    if (row.section == entry.section && row.key == entry.key) return &row;
  }
  return nullptr;
}

void check_sections(const TomlDocument& document, Problems& problems) {
  const auto known = section_names();
  for (const TomlSection& section : document.sections) {
    if (std::find(known.begin(), known.end(), section.name) != known.end()) continue;
    problems.add(section.line, fmt::format("unknown section [{}]{}", section.name,
                                           suggestion(section.name, known)));
  }
}

void store_entry(const TomlEntry& entry, Config& config, Problems& problems) {
  const auto known = keys_of(entry.section);
  if (known.empty()) return;  // its section has been reported
  const KeyRow* row = find_row(entry);
  if (row == nullptr) {
    problems.add(entry.line, fmt::format("unknown key \"{}\" in [{}]{}", entry.key, entry.section,
                                         suggestion(entry.key, known)));
    return;
  }
  const auto stored = row->store(config, entry.value);
  if (stored.ok()) return;
  problems.add(entry.line,
               fmt::format("{}.{} {}", entry.section, entry.key, stored.error().message));
}

// What no single key can tell.
void check_together(const Config& config, Problems& problems) {
  if (config.server.tls_certificate.empty() != config.server.tls_private_key.empty()) {
    problems.add(
        1, "server.tls_certificate and server.tls_private_key are given together or not at all");
  }
  if (config.gpu.silence_ms <= config.gpu.poll_interval_ms) {
    problems.add(1, "gpu.silence_ms must be more than gpu.poll_interval_ms");
  }
  if (config.engine.backend == "cuda" && config.engine.kv_format == "f32") {
    problems.add(1, "engine.kv_format = \"f32\" is not to be had with engine.backend = \"cuda\"");
  }
  if (config.engine.backend == "cuda" &&
      config.engine.step_deadline_ms >= config.supervisor.busy_timeout_ms) {
    problems.add(1, "engine.step_deadline_ms must be less than supervisor.busy_timeout_ms");
  }
  if (config.audit.text == "sealed" && config.audit.sealed_to.empty()) {
    problems.add(1, "audit.text = \"sealed\" wants a key to seal to: audit.sealed_to");
  }
}

}  // namespace

base::Result<Config> parse_config(std::string_view text, std::string_view file) {
  const TomlDocument document = TRY(parse_toml(text, file));
  Config config;
  Problems problems(file);
  check_sections(document, problems);
  for (const TomlEntry& entry : document.entries) store_entry(entry, config, problems);
  if (problems.empty()) check_together(config, problems);
  if (!problems.empty()) return base::invalid_input(std::move(problems).release());
  return config;
}

base::Result<Config> read_config(const std::string& path) {
  const auto text = TRY(base::read_text_file(path, kTomlBytesMax));
  return parse_config(text, path);
}

Changes compare(const Config& running, const Config& fresh) {
  Changes changes;
  for (const KeyRow& row : key_table()) {
    if (row.slot.same(running, fresh)) continue;
    auto& list = row.reload == Reload::kInPlace ? changes.in_place : changes.needs_restart;
    list.push_back(fmt::format("{}.{}", row.section, row.key));
  }
  return changes;
}

Config apply_in_place(Config running, const Config& fresh) {
  for (const KeyRow& row : key_table()) {
    if (row.reload == Reload::kInPlace) row.slot.copy(running, fresh);
  }
  return running;
}

std::vector<std::pair<std::string_view, std::string_view>> known_keys() {
  std::vector<std::pair<std::string_view, std::string_view>> keys;
  for (const KeyRow& row : key_table()) keys.emplace_back(row.section, row.key);
  return keys;
}

}  // namespace daemon_config
