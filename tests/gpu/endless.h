#ifndef TESTS_GPU_ENDLESS_H_
#define TESTS_GPU_ENDLESS_H_

#include "kernels/cuda/device.h"

namespace gpu_test {

// Never ends while *flag (device) is zero.
struct SpinArguments {
  const unsigned* flag;
};
kernels::cuda::Kernel spin_kernel();

// Writes where nothing is.
struct WildArguments {
  unsigned* address;
};
kernels::cuda::Kernel wild_kernel();

// values[i] += 1
struct AddArguments {
  unsigned* values;
  unsigned count;
};
kernels::cuda::Kernel add_kernel();

}  // namespace gpu_test

#endif  // TESTS_GPU_ENDLESS_H_
