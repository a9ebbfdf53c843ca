// Checks of single configuration values. Errors read on from "section.key ": "must be …".
#ifndef DAEMON_CONFIG_VALUE_CHECKS_H_
#define DAEMON_CONFIG_VALUE_CHECKS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/listen_address.h"
#include "daemon/config/toml_document.h"
#include "hardening/base/result.h"

namespace daemon_config {

struct Range {
  std::uint64_t min;
  std::uint64_t max;
  bool zero_too = false;  // 0 has a meaning of its own
};

base::Result<std::uint32_t> to_u32(const TomlValue& value, Range range);
// A number of bytes, or a text such as "512 MiB" (KiB, MiB, GiB, TiB).
base::Result<std::uint64_t> to_bytes(const TomlValue& value, Range range);
base::Result<bool> to_bool(const TomlValue& value);
base::Result<std::string> to_text(const TomlValue& value, std::size_t bytes_max);
base::Result<std::string> to_choice(const TomlValue& value,
                                    std::initializer_list<std::string_view> choices);
base::Result<std::string> to_absolute_path(const TomlValue& value);
base::Result<std::vector<std::string>> to_absolute_paths(const TomlValue& value,
                                                         std::size_t count_max);
base::Result<std::string> to_relative_path(const TomlValue& value);
base::Result<std::string> to_model_name(const TomlValue& value);
base::Result<std::string> to_user(const TomlValue& value);
// GPUs by UUID ("GPU-…", "MIG-…") or by number, as texts; each once, at most 16.
base::Result<std::vector<std::string>> to_gpus(const TomlValue& value);
// The name of a log (C2SP signed-note): no spaces, no '+', at most 128 bytes.
base::Result<std::string> to_log_origin(const TomlValue& value);
// Verifier keys of witnesses (C2SP signed-note): "name+hash+key", at most 16.
base::Result<std::vector<std::string>> to_witnesses(const TomlValue& value);
base::Result<std::vector<ListenAddress>> to_listen_addresses(const TomlValue& value);

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_VALUE_CHECKS_H_
