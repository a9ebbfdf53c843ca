#include "runtime/model/tensor_release.h"

#include <algorithm>

namespace runtime {

TensorRelease::TensorRelease(base::VerifiedFile& bytes, const GgufFile& file,
                             const LoadProgress& progress)
    : bytes_(bytes), progress_(progress) {
  for (const GgufTensor& tensor : file.tensors()) {
    starts_.push_back(tensor.file_offset);
    total_bytes_ += tensor.bytes;
  }
  starts_.push_back(file.file_bytes());
  std::ranges::sort(starts_);
}

void TensorRelease::release(const GgufTensor& tensor) {
  // With the padding behind it, which nobody else would give back.
  bytes_.release(tensor.file_offset,
                 *std::ranges::upper_bound(starts_, tensor.file_offset) - tensor.file_offset);
  done_bytes_ += tensor.bytes;
  if (progress_) progress_(done_bytes_, total_bytes_);
}

}  // namespace runtime
