// Kernels that behave badly, for the tests of what the device does then.
#include "kernels/cuda/kernel_of.h"
#include "tests/gpu/endless.h"

namespace gpu_test {
namespace {

__global__ void spin_until(SpinArguments arguments) {
  while (*static_cast<const volatile unsigned*>(arguments.flag) == 0) __nanosleep(1000);
}

__global__ void write_outside(WildArguments arguments) {
  *arguments.address = 1;
}

__global__ void add_one(AddArguments arguments) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < arguments.count) arguments.values[i] += 1;
}

}  // namespace

kernels::cuda::Kernel spin_kernel() {
  return kernels::cuda::kernel_of<SpinArguments, spin_until>("test_spin_until", 0);
}
kernels::cuda::Kernel wild_kernel() {
  return kernels::cuda::kernel_of<WildArguments, write_outside>("test_write_outside", 0);
}
kernels::cuda::Kernel add_kernel() {
  return kernels::cuda::kernel_of<AddArguments, add_one>("test_add_one", 0);
}

}  // namespace gpu_test
