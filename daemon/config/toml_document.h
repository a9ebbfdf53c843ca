// A TOML file as a flat list of "[section] key = value" entries: all that our configuration needs
// of TOML. The border to toml++, whose header is included by toml_document.cc alone.
#ifndef DAEMON_CONFIG_TOML_DOCUMENT_H_
#define DAEMON_CONFIG_TOML_DOCUMENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hardening/base/result.h"

namespace daemon_config {

using TomlValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

struct TomlEntry {
  std::string section;
  std::string key;
  TomlValue value;
  std::uint32_t line = 0;
};

struct TomlSection {
  std::string name;
  std::uint32_t line = 0;
};

struct TomlDocument {
  std::vector<TomlSection> sections;
  std::vector<TomlEntry> entries;  // sorted by line
};

inline constexpr std::size_t kTomlBytesMax = 256 * 1024;

// kInvalidInput with "file:line: …" for text that is not TOML, a key outside a section, a nested
// table, a date, or an array of anything but strings. Texts over kTomlBytesMax are kExhausted.
base::Result<TomlDocument> parse_toml(std::string_view text, std::string_view file);

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_TOML_DOCUMENT_H_
