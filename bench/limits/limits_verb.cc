#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "bench/limits/limits.h"
#include "bench/options.h"
#include "hardening/base/file.h"

namespace bench {
namespace {

constexpr std::uint64_t kThreadsMax = 1024;

void print(const MachineLimits& limits) {
  fmt::print("{:<52}{:>12}{:>12}\n", "", "1 thread", fmt::format("{} threads", limits.threads));
  for (const Limit& limit : limits.limits) {
    const std::string_view unit = limit.unit == LimitUnit::kOpsPerSecond ? "Gop/s" : "GB/s";
    fmt::print("{:<44}{:>8}{:>12.1f}{:>12.1f}\n", limit.what, unit, limit.one_thread * 1e-9,
               limit.all_threads * 1e-9);
  }
  if (limits.huge_page_share < 0.9) {
    fmt::print(
        "\nOnly {:.0f} % of the memory read was on 2 MiB pages: the system has too few of them.\n",
        100 * limits.huge_page_share);
  }
}

base::Status limits_verb(int argc, char** argv) {
  const Options options = TRY(Options::parse(argc, argv, {"--threads", "--json"}));
  const std::uint64_t threads =
      TRY(options.number("--threads", std::max(1U, std::thread::hardware_concurrency())));
  if (threads == 0 || threads > kThreadsMax) return base::invalid_input("--threads is 1 to 1024");
  const MachineLimits limits = measure_limits(threads);
  print(limits);
  const std::string path = options.text("--json", "");
  if (!path.empty()) TRY(base::replace_file(path, limits_json(limits).dump_pretty() + "\n", 0644));
  return {};
}

}  // namespace

int run_limits(int argc, char** argv) {
  const base::Status status = limits_verb(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "limits: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
