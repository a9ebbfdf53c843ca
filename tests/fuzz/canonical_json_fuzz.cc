// Any JSON: what has a canonical form is read back from it alone, and that form is a fixed point.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hardening/base/canonical_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto accepted = base::parse_canonical_json(text);
  if (accepted.ok() && base::canonical_json(accepted.value()).value() != text) std::abort();
  const auto value = base::Json::parse(text);
  if (!value.ok()) return 0;
  const auto once = base::canonical_json(value.value());
  if (!once.ok()) return 0;
  const auto again = base::Json::parse(once.value());
  if (!again.ok()) std::abort();
  // 9007199254740993.0 is written as an integer, which is then too large to be one.
  const auto twice = base::canonical_json(again.value());
  if (twice.ok() && twice.value() != once.value()) std::abort();
  return 0;
}
