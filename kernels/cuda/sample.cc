#include "kernels/cuda/sample.h"

#include "kernels/check.h"

namespace kernels::cuda {

bool samples_well(int capability) {
  return capability == 80 || (capability >= 90 && capability < 110);
}

Status run_sample(Device& device, const SampleKernels& kernels, const SampleCall& call) {
  KERNELS_CHECK(call.count >= 1 && call.vocabulary >= 1);
  KERNELS_CHECK(call.vocabulary <= kSampledVocabularyMax);
  LaunchShape shape;
  shape.grid_x = call.count;
  shape.threads = kSampleThreads;
  shape.shared_bytes = kSampleSharedBytes;
  return device.launch_with(kernels.sample, shape, call);
}

}  // namespace kernels::cuda
