// A model as an engine leaves it to the next: the file's head as it was, and behind it every tensor
// that is computed with, matrices already in the backend's layout. In base::VerifiedWeights:
//
//   magic u64, layout u32 (kernels::Ops::packed_layout), reserved u32, file bytes u64, head bytes
//   u64 the head of the GGUF file (gguf.h), from which spec, vocabulary and template are read again
//   the tensors in the order of expected_tensors(), each at a multiple of 64; vectors as in the
//   file
//
// Where a tensor lies follows from the head and the layout alone, so there is no table to be
// believed.
#ifndef RUNTIME_MODEL_PACKED_MODEL_H_
#define RUNTIME_MODEL_PACKED_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "hardening/base/verified_weights.h"
#include "kernels/ops.h"
#include "runtime/model/gguf.h"
#include "runtime/model/memory_plan.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/tensor_release.h"

namespace runtime {

// Borrows the bytes, which outlive it.
class PackedModel {
 public:
  // kInvalidInput, kExhausted or kUnsupported name the field.
  static base::Result<PackedModel> parse(std::span<const std::byte> bytes);

  // The head: all but the tensors' data.
  const GgufFile& file() const { return file_; }

  // The tensors' bytes, in the order of `expected`: expected_tensors() of a spec that
  // check_tensors() found true of file(). kUnsupported when they are in another layout than `ops`
  // computes with, kInvalidInput when the bytes are not exactly what they take.
  base::Result<std::vector<std::span<const std::byte>>> tensors(
      std::span<const TensorSpec> expected, const kernels::Ops& ops) const;

 private:
  PackedModel(std::span<const std::byte> bytes, std::uint32_t layout, GgufFile file)
      : bytes_(bytes), layout_(layout), file_(std::move(file)) {}

  std::span<const std::byte> bytes_;
  std::uint32_t layout_;
  GgufFile file_;
};

struct PackOptions {
  MemoryRequest memory;  // of the whole engine: what does not fit is refused before it is made
  // Whether weights may lie on small pages, where the system gives shared memory no large ones (2
  // MiB).
  bool small_pages = true;
  LoadProgress progress;  // called after each tensor; may be empty
};

// Makes such weights of a file. Gives each tensor's pages back to the system once it is packed, so
// that the weights are never twice in memory. kUnavailable when there is no such memory to be had,
// and kUnsupported when the backend keeps its weights itself: in both cases the file is as it was.
base::Result<base::VerifiedWeights> pack_model(base::VerifiedFile& bytes, kernels::Ops& ops,
                                               const PackOptions& options);

}  // namespace runtime

#endif  // RUNTIME_MODEL_PACKED_MODEL_H_
