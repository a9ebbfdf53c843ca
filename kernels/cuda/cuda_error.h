// What the CUDA runtime says, for people: "cudaLaunchKernel(attention_d128): an illegal memory
// access was encountered (700)".
#ifndef KERNELS_CUDA_CUDA_ERROR_H_
#define KERNELS_CUDA_CUDA_ERROR_H_

#include <cuda_runtime_api.h>

#include <string>
#include <string_view>

namespace kernels::cuda {

// `about` may be empty.
inline std::string cuda_error_text(std::string_view call, std::string_view about,
                                   cudaError_t error) {
  std::string text(call);
  if (!about.empty()) {
    text += '(';
    text += about;
    text += ')';
  }
  text += ": ";
  text += cudaGetErrorString(error);
  text += " (" + std::to_string(static_cast<int>(error)) + ")";
  return text;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_ERROR_H_
