#include "daemon/supervisor/free_memory.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

constexpr std::uint64_t kOtherBytes = 64u << 20;
constexpr double kMiB = 1 << 20;

// Sizes come from files that anybody may have signed: they do not wrap.
std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t total = 0;
  return __builtin_add_overflow(a, b, &total) ? std::numeric_limits<std::uint64_t>::max() : total;
}

double mib(std::uint64_t bytes) {
  return static_cast<double>(bytes) / kMiB;
}

constexpr std::string_view kAdvice =
    "'redoubt models activate --restart' stops the engine that serves first";

}  // namespace

base::Status check_memory(const MemoryNeed& need, std::uint64_t available_bytes) {
  const std::uint64_t wanted = sum(sum(need.candidate_bytes, need.candidate_bytes / 8),
                                   sum(need.kv_cache_bytes, kOtherBytes));
  if (wanted > available_bytes) {
    return base::exhausted(fmt::format(
        "a second engine needs about {:.0f} MiB (its model has {:.0f} MiB), and {:.0f} MiB "
        "are available: {}",
        mib(wanted), mib(need.candidate_bytes), mib(available_bytes), kAdvice));
  }
  const std::uint64_t both = sum(need.serving_bytes, need.candidate_bytes);
  if (need.memory_bytes_max != 0 && both > need.memory_bytes_max) {
    return base::exhausted(fmt::format(
        "the models of both engines have {:.0f} MiB, and engine.memory_bytes_max is {:.0f} MiB: {}",
        mib(both), mib(need.memory_bytes_max), kAdvice));
  }
  return {};
}

base::Result<std::uint64_t> parse_available_memory(std::string_view meminfo) {
  constexpr std::string_view kName = "MemAvailable:";
  const auto at = meminfo.find(kName);
  if (at == std::string_view::npos) return base::not_found("/proc/meminfo has no MemAvailable");
  std::string_view rest = meminfo.substr(at + kName.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::uint64_t kib = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), kib);
  if (parsed.ec != std::errc() || kib > std::numeric_limits<std::uint64_t>::max() / 1'024)
    return base::invalid_input("MemAvailable is not a number");
  return kib * 1'024;
}

base::Result<std::uint64_t> read_available_memory() {
  const base::Fd file = TRY(base::open_file("/proc/meminfo", O_RDONLY));
  std::array<std::byte, 8'192> bytes;
  const std::size_t got = TRY(base::read_full(file, bytes));
  return parse_available_memory({reinterpret_cast<const char*>(bytes.data()), got});
}

}  // namespace daemon_supervisor
