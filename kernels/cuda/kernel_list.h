// Every kernel of a set: to load them all before the first is needed, and to look for each in the
// machine code.
#ifndef KERNELS_CUDA_KERNEL_LIST_H_
#define KERNELS_CUDA_KERNEL_LIST_H_

#include <vector>

#include "kernels/cuda/kernel_set.h"

namespace kernels::cuda {

// Those that are there (a set leaves out what its architecture has no use for). They live as long
// as `set`.
std::vector<const Kernel*> list_kernels(const KernelSet& set);

// The compute capabilities that machine code is made for, as kernel_set_for takes them.
inline constexpr int kCapabilities[] = {80, 90, 100, 120};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_KERNEL_LIST_H_
