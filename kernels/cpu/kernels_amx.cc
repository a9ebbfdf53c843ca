// The CPU kernels for processors with tile registers: those of AVX-512, but for linear operations
// of many rows. See kernel_set.h for what may be included here.
#include "kernels/cpu/lanes_amx.h"
#include "kernels/cpu/linear.h"

namespace kernels::cpu {
namespace {

bool is_float(const PackedWeight* weight) {
  return weight != nullptr && (weight->format == Format::kF32 || weight->format == Format::kF16 ||
                               weight->format == Format::kBF16);
}

void linear_of_many(const LinearJob& job, const Activations& x, std::size_t first,
                    std::size_t last) {
  const bool by_registers =
      x.n > Avx512Lanes::kDirectRows && !is_float(job.weight) && !is_float(job.up);
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
