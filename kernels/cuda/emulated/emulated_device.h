// A device of fibers: runs every kernel, unmodified, on the host. For tests on machines without a
// GPU.
//
// Blocks run one after the other (the blocks of a cluster together); the threads of a block are
// fibers that are switched at collectives. A collective that not all of its threads reach, a
// barrier that diverges, shared memory beyond what was asked for, end the process with a message
// that names kernel, block and thread.
#ifndef KERNELS_CUDA_EMULATED_EMULATED_DEVICE_H_
#define KERNELS_CUDA_EMULATED_EMULATED_DEVICE_H_

#include <memory>

#include "kernels/cuda/device.h"

namespace kernels::cuda {

struct EmulatedDeviceOptions {
  int capability = 90;
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  // In which order blocks and threads run: results may not depend on it. 0: ascending; else a
  // shuffle by this seed.
  std::uint64_t order_seed = 0;
  bool recordings = true;
  // Names kernel, block and thread of an access that faults, by a handler for SIGSEGV. Not for
  // processes that may not set one.
  bool explain_faults = true;
  // Counts kernels that have run; outlives the device. May be null.
  std::uint64_t* launches = nullptr;
};
std::unique_ptr<Device> make_emulated_device(const EmulatedDeviceOptions& options);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_EMULATED_EMULATED_DEVICE_H_
