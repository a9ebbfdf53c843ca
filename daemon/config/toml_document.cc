#include "daemon/config/toml_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "daemon/config/toml_subset.h"

// Header-only, so that these choices are this file's alone. Exceptions are the parser's better
// trodden path, and are caught here. Its assertions are switched off: some hold only for valid
// files
// ("[|x]", found by fuzzing), would abort in debug builds, and in release builds (NDEBUG) become
// promises to the compiler; without them the parser goes on to report the mistake.
#undef NDEBUG
#undef TOML_SHARED_LIB
#undef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

namespace daemon_config {
namespace {

base::Error error_at(std::string_view file, std::uint32_t line, std::string_view message) {
  return base::invalid_input(fmt::format("{}:{}: {}", file, line, message));
}

std::uint32_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

base::Result<std::vector<std::string>> to_strings(const toml::array& array, std::string_view what,
                                                  std::string_view file) {
  std::vector<std::string> texts;
  for (const toml::node& element : array) {
    const auto* text = element.as_string();
    if (text == nullptr)
      return error_at(file, line_of(array),
                      fmt::format("{} holds something else than strings", what));
    texts.push_back(text->get());
  }
  return texts;
}

base::Result<TomlValue> to_value(const toml::node& node, std::string_view what,
                                 std::string_view file) {
  if (const auto* value = node.as_boolean()) return TomlValue(value->get());
  if (const auto* value = node.as_integer()) return TomlValue(value->get());
  if (const auto* value = node.as_floating_point()) return TomlValue(value->get());
  if (const auto* value = node.as_string()) return TomlValue(value->get());
  if (const auto* value = node.as_array()) return TomlValue(TRY(to_strings(*value, what, file)));
  return error_at(file, line_of(node),
                  fmt::format("{} is a table or a date, which no key takes", what));
}

base::Status add_section(TomlDocument& document, const std::string& name, const toml::table& table,
                         std::string_view file) {
  document.sections.push_back({name, line_of(table)});
  for (const auto& [key, node] : table) {
    const std::string text(key.str());
    auto value = TRY(to_value(node, fmt::format("{}.{}", name, text), file));
    document.entries.push_back({name, text, std::move(value), key.source().begin.line});
  }
  return {};
}

base::Result<toml::table> parse_table(std::string_view text, std::string_view file) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return error_at(file, error.source().begin.line, error.description());
  } catch (const std::exception& error) {
    return error_at(file, 1, error.what());
  }
}

}  // namespace

base::Result<TomlDocument> parse_toml(std::string_view text, std::string_view file) {
  if (text.size() > kTomlBytesMax) {
    return base::exhausted(fmt::format("{}: {} bytes, limit {}", file, text.size(), kTomlBytesMax));
  }
  const std::string reduced = TRY(reduce_toml(text, file));
  const toml::table root = TRY(parse_table(reduced, file));
  TomlDocument document;
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    const auto* table = node.as_table();
    if (table == nullptr) {
      return error_at(file, key.source().begin.line,
                      fmt::format("\"{}\" stands outside a section, such as [server]", name));
    }
    TRY(add_section(document, name, *table, file));
  }
  // toml++ sorts by name; people read by line.
  std::stable_sort(document.entries.begin(), document.entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
  return document;
}

}  // namespace daemon_config
