// What becomes of a tensor in the file's memory once a loader has made its own of it: its pages go
// back to the system, so that a model is never twice in memory, and whoever waits hears of it.
#ifndef RUNTIME_MODEL_TENSOR_RELEASE_H_
#define RUNTIME_MODEL_TENSOR_RELEASE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "hardening/base/verified_file.h"
#include "runtime/model/gguf.h"

namespace runtime {

// Reports bytes of the file's tensors done and in all.
using LoadProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Borrows all three.
class TensorRelease {
 public:
  // `file` is parsed from `bytes`.
  TensorRelease(base::VerifiedFile& bytes, const GgufFile& file, const LoadProgress& progress);

  // Once for each tensor of the file.
  void release(const GgufTensor& tensor);

 private:
  base::VerifiedFile& bytes_;
  const LoadProgress& progress_;
  std::vector<std::size_t> starts_;  // of the tensors in the file, and its end; ascending
  std::uint64_t done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_TENSOR_RELEASE_H_
