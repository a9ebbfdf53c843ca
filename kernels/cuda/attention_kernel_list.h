// Lists the kernels of the cache and of attention of the compilation that includes this:
// attention.cu, emulated/attention.cc.
#ifndef KERNELS_CUDA_ATTENTION_KERNEL_LIST_H_
#define KERNELS_CUDA_ATTENTION_KERNEL_LIST_H_

#include "kernels/cuda/attention_kernel.h"
#include "kernels/cuda/copy_block_kernel.h"
#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/rope_store_kernel.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

template <KvFormat kFormat, std::uint32_t kDim>
Kernel decode_kernel(const char* name) {
  return kernel_of<AttentionArguments, attention_decode<kFormat, kDim>>(
      name, DecodeForm<kFormat, kDim>::kSharedBytes);
}

template <KvFormat kFormat, std::uint32_t kDim>
Kernel prefill_kernel(const char* name) {
  return kernel_of<AttentionArguments, attention_prefill<kFormat, kDim>>(
      name, PrefillForm<kFormat, kDim>::kSharedBytes);
}

inline AttentionKernels list_attention_kernels() {
  constexpr KvFormat kF16 = KvFormat::kF16, kQ8 = KvFormat::kQ8_0;
  AttentionKernels kernels;
  kernels.rope_store[0] =
      kernel_of<RopeStoreArguments, rope_store<kF16>>("rope_store_f16", kRopeSharedBytes);
  kernels.rope_store[1] =
      kernel_of<RopeStoreArguments, rope_store<kQ8>>("rope_store_q8_0", kRopeSharedBytes);
  kernels.decode[0][0] = decode_kernel<kF16, 64>("attention_decode_f16_64");
  kernels.decode[0][1] = decode_kernel<kF16, 128>("attention_decode_f16_128");
  kernels.decode[0][2] = decode_kernel<kF16, 256>("attention_decode_f16_256");
  kernels.decode[1][0] = decode_kernel<kQ8, 64>("attention_decode_q8_0_64");
  kernels.decode[1][1] = decode_kernel<kQ8, 128>("attention_decode_q8_0_128");
  kernels.decode[1][2] = decode_kernel<kQ8, 256>("attention_decode_q8_0_256");
  kernels.prefill[0][0] = prefill_kernel<kF16, 64>("attention_prefill_f16_64");
  kernels.prefill[0][1] = prefill_kernel<kF16, 128>("attention_prefill_f16_128");
  kernels.prefill[0][2] = prefill_kernel<kF16, 256>("attention_prefill_f16_256");
  kernels.prefill[1][0] = prefill_kernel<kQ8, 64>("attention_prefill_q8_0_64");
  kernels.prefill[1][1] = prefill_kernel<kQ8, 128>("attention_prefill_q8_0_128");
  kernels.prefill[1][2] = prefill_kernel<kQ8, 256>("attention_prefill_q8_0_256");
  kernels.copy_block = kernel_of<CopyBlockArguments, copy_kv_block>("copy_kv_block", 0);
  return kernels;
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_KERNEL_LIST_H_
