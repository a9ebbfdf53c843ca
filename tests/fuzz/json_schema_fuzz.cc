// The first line is a schema, the rest a value: a verdict comes of it, the same one twice, and
// never of a schema with a keyword that is not known.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/engine/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const auto json = base::Json::parse(text.substr(0, line));
  if (!json.ok()) return 0;
  const auto schema = daemon_engine::JsonSchema::parse(json.value());
  if (!schema.ok()) {
    if (schema.error().message.empty()) std::abort();
    return 0;
  }
  const auto value = base::Json::parse(text.substr(std::min(line + 1, text.size())));
  if (!value.ok()) return 0;
  const auto verdict = schema.value().check(value.value());
  if (verdict.ok() != schema.value().check(value.value()).ok()) std::abort();
  // A schema that takes one of [this, anything] takes everything.
  const auto wider = daemon_engine::JsonSchema::parse(base::Json::object(
      {{"anyOf", base::Json(base::Json::Array{json.value(), base::Json(true)})}}));
  if (wider.ok() && !wider.value().check(value.value()).ok()) std::abort();
  return 0;
}
