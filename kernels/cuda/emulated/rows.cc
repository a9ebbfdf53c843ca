// The row kernels for the emulator.
#include "kernels/cuda/row_kernels.h"

namespace kernels::cuda {

RowKernels emulated_row_kernels() {
  return list_row_kernels();
}

}  // namespace kernels::cuda
