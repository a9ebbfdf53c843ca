// This machine's own limits: what memory delivers and what each sequence of multiply-add
// instructions reaches, measured rather than read off a data sheet. Kernels are held against them.
//
// One multiply-add counts as two operations. Every figure is the best of some rounds: whatever else
// runs on the machine can only make it smaller.
#ifndef BENCH_LIMITS_LIMITS_H_
#define BENCH_LIMITS_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace bench {

enum class LimitUnit : std::uint8_t { kBytesPerSecond, kOpsPerSecond };

struct Limit {
  std::string key;   // for look-up and JSON: "read-2m", "fma-512"
  std::string what;  // for people
  LimitUnit unit = LimitUnit::kOpsPerSecond;
  double one_thread = 0;
  double all_threads = 0;
};

struct MachineLimits {
  std::size_t threads = 1;  // of all_threads
  // What part of the memory read for "read-2m" the system really put on huge pages: below 0.9 that
  // figure is not what its name says.
  double huge_page_share = 0;
  std::vector<Limit> limits;

  const Limit* find(std::string_view key) const;  // null: this machine has no such instructions
};

// The keys that are measured on every machine.
inline constexpr std::string_view kReadHugePages = "read-2m";
inline constexpr std::string_view kReadSmallPages = "read-4k";
inline constexpr std::string_view kReadCache = "read-16mib";

// Takes about ten seconds and a GiB of memory.
MachineLimits measure_limits(std::size_t threads);

// The fastest measured vector sequence that holds the products of this format on the instruction
// set of this kernel set (Ops::name()): the bound of a linear operation. Null when none was
// measured. A kernel set without wide vectors is held against AVX2's figures.
const Limit* arithmetic_bound(const MachineLimits& limits, std::string_view kernel_set,
                              std::string_view format_name);

base::Json limits_json(const MachineLimits& limits);
// What limits_json wrote, so that measurements of one run share one set of limits.
base::Result<MachineLimits> parse_limits(std::string_view text);

// redoubt-bench limits [--threads N] [--json FILE]
int run_limits(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_LIMITS_LIMITS_H_
