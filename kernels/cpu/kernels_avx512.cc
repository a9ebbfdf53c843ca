// The CPU kernels compiled for one ISA; see kernel_set.h for what may be included here.
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/lanes_avx512.h"

namespace kernels::cpu {

const KernelSet& avx512_kernels() {
  return kTable<Avx512Lanes>;
}

}  // namespace kernels::cpu
