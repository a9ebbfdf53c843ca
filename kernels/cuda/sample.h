// Draws tokens from rows of logits on the device, so that four bytes come back instead of a row.
//
// The same token as runtime's Sampler draws from the same logits, to the bit, for every
// temperature, top_k, top_p and min_p: it counts in integers (probabilities as fixed-point
// weights), orders candidates by logit and then by id, and draws with Philox. So it does not matter
// which of the two drew: rows that need a history, a bias, a grammar or log-probabilities go to the
// host, the others stay here.
#ifndef KERNELS_CUDA_SAMPLE_H_
#define KERNELS_CUDA_SAMPLE_H_

#include "kernels/cuda/device.h"

namespace kernels::cuda {

inline constexpr std::int32_t kNotFinite =
    -1;  // in place of a token: a logit of the row is not finite
// The sum of so many weights has 64 bits.
inline constexpr std::uint32_t kSampledVocabularyMax = std::uint32_t{1} << 21;
inline constexpr std::uint32_t kSampleThreads = 512;
inline constexpr std::uint32_t kSampleSharedBytes = 17 * 1024;  // of a block

struct SampleKernels {
  Kernel sample;
};
SampleKernels sample_kernels();
SampleKernels emulated_sample_kernels();

// Whether a GPU of this compute capability draws faster than its host: weights are made of doubles,
// which the GPUs of workstations compute at a 64th of the speed of floats (CUDA C++ Programming
// Guide, "Arithmetic Instructions").
bool samples_well(int capability);

struct SampleCall {
  const float* logits = nullptr;    // device, [*, vocabulary]
  std::uint32_t vocabulary = 0;     // 1 … kSampledVocabularyMax
  const SampleRow* rows = nullptr;  // device, [count]
  std::uint32_t count = 0;
  std::int32_t* tokens = nullptr;  // device, [count]
};
Status run_sample(Device& device, const SampleKernels& kernels, const SampleCall& call);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_SAMPLE_H_
