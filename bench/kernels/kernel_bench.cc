#include "bench/kernels/kernel_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>

#include "bench/options.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr std::size_t kLimitsBytesMax = 1 << 20;

Result<std::unique_ptr<kernels::Ops>> make_ops(const Options& options, std::size_t threads) {
  constexpr std::array<std::pair<std::string_view, kernels::CpuIsa>, 5> kIsas{
      {{"best", kernels::CpuIsa::kBest},
       {"plain", kernels::CpuIsa::kPlain},
       {"avx2", kernels::CpuIsa::kAvx2},
       {"avx512", kernels::CpuIsa::kAvx512Vnni},
       {"amx", kernels::CpuIsa::kAmx}}};
  kernels::Limits limits;
  limits.cols_max = 8192;
  limits.heads_max = 32;
  limits.head_dim_max = 64;
  limits.context_tokens_max = 8192;
  const std::string isa = options.text("--isa", "best");
  for (const auto& [name, value] : kIsas) {
    if (name != isa) continue;
    auto ops = kernels::make_cpu_ops({limits, threads, value});
    if (ops == nullptr)
      return base::unsupported("this processor lacks " + isa + ", or memory was refused");
    return ops;
  }
  return base::invalid_input("--isa is best, plain, avx2 or avx512");
}

Result<MachineLimits> get_limits(const Options& options, std::size_t threads, bool quick) {
  const std::string path = options.text("--limits", "");
  if (!path.empty()) return parse_limits(TRY(base::read_text_file(path, kLimitsBytesMax)));
  if (quick) return MachineLimits{};
  return measure_limits(threads);
}

// Of its bound; nothing when there is none.
double share(const MachineLimits& limits, const KernelRow& row) {
  const Limit* limit = row.bound.empty() ? nullptr : limits.find(row.bound);
  if (limit == nullptr || limit->all_threads <= 0) return 0;
  return (limit->unit == LimitUnit::kOpsPerSecond ? row.ops : row.bytes) / row.seconds /
         limit->all_threads;
}

void print(const MachineLimits& limits, const KernelRow& row) {
  const auto rate = [&row](double amount) {
    return amount > 0 ? fmt::format("{:.1f}", amount / row.seconds * 1e-9) : std::string();
  };
  const double part = share(limits, row);
  fmt::print("{:<20}{:<46}{:>11.1f}{:>9}{:>9}  {}\n", row.op, row.shape, row.seconds * 1e6,
             rate(row.bytes), rate(row.ops),
             part > 0 ? fmt::format("{:3.0f} % of {}", 100 * part, row.bound) : "");
  (void)std::fflush(stdout);
}

Json to_json(const MachineLimits& limits, const KernelRow& row) {
  return Json::object({{"op", row.op},
                       {"shape", row.shape},
                       {"seconds", row.seconds},
                       {"bytes_per_second", row.bytes / row.seconds},
                       {"ops_per_second", row.ops / row.seconds},
                       {"bound", row.bound},
                       {"share", share(limits, row)}});
}

Status bench(int argc, char** argv) {
  const Options options = TRY(Options::parse(
      argc, argv,
      {"--threads", "--isa", "--format", "--ops", "--mib", "--quick", "--limits", "--json"}));
  const std::uint64_t threads =
      TRY(options.number("--threads", std::max(1U, std::thread::hardware_concurrency())));
  if (threads == 0 || threads > 1024) return base::invalid_input("--threads is 1 to 1024");
  const bool quick = options.text("--quick", "no") == "yes";
  const MachineLimits limits = TRY(get_limits(options, threads, quick));
  const auto ops = TRY(make_ops(options, threads));
  const std::string format = options.text("--format", "");
  const std::string which = options.text("--ops", "linear,attention,rows");
  KernelBenchOptions wanted;
  wanted.cycle_bytes = TRY(options.number("--mib", quick ? 4 : 256)) << 20;
  wanted.quick = quick;
  wanted.format = format;
  wanted.limits = &limits;

  Json rows = Json::array();
  const RowSink sink = [&](const KernelRow& row) {
    print(limits, row);
    rows.push_back(to_json(limits, row));
  };
  fmt::print("{}, {} threads\n{:<66}{:>11}{:>9}{:>9}\n", ops->name(), threads, "", "us", "GB/s",
             "Gop/s");
  if (which.find("linear") != std::string::npos) TRY(bench_linear(*ops, wanted, sink));
  if (which.find("attention") != std::string::npos) TRY(bench_attention(*ops, wanted, sink));
  if (which.find("rows") != std::string::npos) TRY(bench_rows(*ops, wanted, sink));
  const std::string path = options.text("--json", "");
  if (path.empty()) return {};
  Json json =
      Json::object({{"kernel_set", ops->name()}, {"threads", threads}, {"rows", std::move(rows)}});
  json.set("limits", limits_json(limits));
  return base::replace_file(path, json.dump_pretty() + "\n", 0644);
}

}  // namespace

int run_kernel_bench(int argc, char** argv) {
  const Status status = bench(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "kernels: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
