// The CPU kernels for processors with tile registers: those of AVX-512, but for linear operations
// of many rows. See kernel_set.h for what may be included here.
#include "kernels/cpu/lanes_amx.h"
#include "kernels/cpu/linear.h"

namespace kernels::cpu {
namespace {

void linear_of_many(const LinearJob& job, const Activations& x, std::size_t first,
                    std::size_t last) {
  const bool floats =
      is_float(job.weight->format) || (job.up != nullptr && is_float(job.up->format));
  const bool by_registers = x.n > Avx512Lanes::kDirectRows && !floats;
  if (!by_registers) return avx512_kernels().linear(job, x, first, last);
  linear<AmxLanes>(job, x, first, last);
}

}  // namespace

const KernelSet& amx_kernels() {
  static const KernelSet set = [] {
    KernelSet kernels = avx512_kernels();
    kernels.name = AmxLanes::kName;
    kernels.linear = linear_of_many;
    return kernels;
  }();
  return set;
}

}  // namespace kernels::cpu
