// The CPU kernels compiled for one ISA; see kernel_set.h for what may be included here.
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/lanes_plain.h"

namespace kernels::cpu {

const KernelSet& plain_kernels() {
  return kTable<PlainLanes>;
}

}  // namespace kernels::cpu
