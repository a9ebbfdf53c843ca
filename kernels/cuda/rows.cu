// The row kernels as machine code.
#include "kernels/cuda/row_kernels.h"

namespace kernels::cuda {

RowKernels row_kernels() {
  return list_row_kernels();
}

}  // namespace kernels::cuda
