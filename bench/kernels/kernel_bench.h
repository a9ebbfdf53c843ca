// redoubt-bench kernels: each operation of a backend by itself, held against what this machine can
// do.
//
//   kernels [--threads N] [--isa best|plain|avx2|avx512] [--format NAME] [--ops
//   linear,attention,rows]
//           [--mib N] [--quick yes] [--limits FILE] [--json FILE]
//
// --mib: how much memory the weights and caches that are cycled through take (256), so that they
// come from memory and not from a cache; --quick: each measure once, small (for tests).
#ifndef BENCH_KERNELS_KERNEL_BENCH_H_
#define BENCH_KERNELS_KERNEL_BENCH_H_

#include <functional>
#include <string>
#include <vector>

#include "bench/limits/limits.h"
#include "hardening/base/result.h"
#include "kernels/ops.h"

namespace bench {

// One measured operation.
struct KernelRow {
  std::string op;      // "linear Q4_0"
  std::string shape;   // "8192 x 2048, n 16"
  double seconds = 0;  // of one call
  double bytes =
      0;  // that must come from memory: weights or cache; 0 where that is not what it is about
  double ops = 0;     // one multiply-add is two; 0: not counted
  std::string bound;  // key of the limit it is held against (limits.h); empty: none
};

struct KernelBenchOptions {
  std::size_t cycle_bytes = 0;
  bool quick = false;
  std::string_view format;  // empty: all that the backend loads
  const MachineLimits* limits = nullptr;
};

using RowSink = std::function<void(const KernelRow& row)>;

// Each fails when the backend computes something else, or has no memory.
base::Status bench_linear(kernels::Ops& ops, const KernelBenchOptions& options,
                          const RowSink& sink);
base::Status bench_attention(kernels::Ops& ops, const KernelBenchOptions& options,
                             const RowSink& sink);
base::Status bench_rows(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink);

int run_kernel_bench(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_KERNELS_KERNEL_BENCH_H_
