#include "daemon/cli/byte_size.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "hardening/base/checked.h"
#include "hardening/base/json.h"

namespace daemon_cli {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr Unit kUnits[] = {
    {"", 1},
    {"B", 1},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
};

}  // namespace

base::Result<std::uint64_t> parse_byte_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (error == std::errc()) {
    for (const Unit& known : kUnits) {
      if (known.name != unit) continue;
      const auto bytes = base::checked_mul(number, known.bytes);
      if (bytes && *bytes <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return *bytes;
    }
  }
  return base::invalid_input(
      fmt::format("{} is not a size such as 512MiB or 32GB", base::Json(text).dump()));
}

}  // namespace daemon_cli
