// One row per configuration key: where it goes, what it may be, and what a running service does
// about a change. To add a key, add a row and its lines in image/redoubt.toml (a test compares the
// two).
#ifndef DAEMON_CONFIG_KEY_TABLE_H_
#define DAEMON_CONFIG_KEY_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/config/config.h"
#include "daemon/config/toml_document.h"
#include "hardening/base/result.h"

namespace daemon_config {

enum class Reload : std::uint8_t {
  kInPlace,  // takes effect at a reload
  kRestart,  // takes effect when the service is started
};

// Where a key's value lies in a Config.
struct Slot {
  bool (*same)(const Config& a, const Config& b);
  void (*copy)(Config& to, const Config& from);
};

struct KeyRow {
  std::string_view section;
  std::string_view key;
  Reload reload;
  Slot slot;
  // Checks the value and stores it; the error says what is allowed ("must be …"), without naming
  // the key.
  base::Status (*store)(Config& config, const TomlValue& value);
};

std::span<const KeyRow> key_table();

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_KEY_TABLE_H_
