// Two or four GPUs that share each layer, as one backend: each has its heads' queries, keys and
// values, and its part of the MLP (Shoeybi et al. 2019, section 3). The bits are those of one GPU.
//
// WHY THE BITS ARE THE SAME: linear.h cuts the columns of a matrix into segments by its shape alone
// and adds their sums in ascending order. A matrix that is shared out by columns is shared out by
// whole segments; each device hands over the sums of its own as they are (LinearMode::kSegments),
// every device gets all of them, and each adds them in that order itself (AddSegmentsCall).
// Matrices that are shared out by rows keep the segments of the whole, too. So D devices add what
// one adds, in its order; all devices have the same residual stream.
//
//   shared out by rows      q, k, v (by heads; the KV cache with them), gate, up
//   shared out by columns   attention's output, down
//   on every device         norms, the table, the head (each computes some tiles of the logits)
//
// What is refused (kUnsupported; 0 bytes): a number of devices that does not divide the heads, the
// KV heads, or the segments of a matrix that is shared out by columns and their stages of 256
// columns.
//
// One thread asks all devices in turn and waits for none of them; sums cross by Device::copy_from.
// (A library of collectives would add them on the way, in an order of its own, and wants threads,
// sockets and shared memory that the engine's sandbox does not give.)
// Steps are not recorded. Ways between devices are tried when the backend is made: there are
// machines on which copies between GPUs go astray, and nothing says so.
//
// Memory, of each device: its parts of matrices and caches (split_weight_bytes, kv_cache_bytes),
// every buffer in full, though of rows that are shared out it uses its share alone, and in
// scratch_bytes the sums that cross: two floats for each element of rows_max rows of cols_max, 2
// MiB at least.
#ifndef KERNELS_CUDA_TENSOR_PARALLEL_H_
#define KERNELS_CUDA_TENSOR_PARALLEL_H_

#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_ops.h"

namespace kernels::cuda {

// Of two or four devices with one kernel set. options.memory_bytes is each one's; record_steps is
// not heeded. Null when it cannot be; `error` then says why.
std::unique_ptr<Ops> make_tensor_parallel_ops(std::vector<std::unique_ptr<Device>> devices,
                                              const KernelSet& kernels,
                                              const CudaOpsOptions& options, std::string* error);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TENSOR_PARALLEL_H_
