// What a step is told by the host, at a fixed place on the device: how many rows it has and how
// many logits it wants, its tokens, and which rows have logits. Recorded kernels read it there.
#ifndef KERNELS_CUDA_STEP_INPUTS_H_
#define KERNELS_CUDA_STEP_INPUTS_H_

#include <cstdint>

#include "kernels/cuda/cuda_memory.h"
#include "kernels/cuda/pinned_memory.h"

namespace kernels::cuda {

class StepInputs {
 public:
  // For steps of at most `rows_max` rows and as many logits.
  Status create(Device& device, DeviceArena& arena, std::size_t rows_max);

  struct Values {
    const std::int32_t* tokens = nullptr;  // host, [rows]; null: none are needed
    std::size_t rows = 0;
    const std::int32_t* logit_rows = nullptr;  // host, [logit_count]; null: none are needed
    std::size_t logit_count = 0;
  };
  // Everything that was launched before still sees the former values.
  Status upload(const Values& values);

  // On the device, always the same.
  const std::uint32_t* rows() const { return words(); }
  const std::uint32_t* logit_count() const { return words() + 1; }
  const std::int32_t* tokens() const { return numbers(0); }
  const std::int32_t* logit_rows() const { return numbers(rows_max_); }

  std::size_t device_bytes() const { return place_.bytes(); }

 private:
  // Of pinned memory: an upload is written while those before it may not have been copied yet.
  static constexpr std::size_t kSlots = 8;
  static constexpr std::size_t kHeaderWords = 16;

  const std::uint32_t* words() const { return place_.as<const std::uint32_t>(); }
  const std::int32_t* numbers(std::size_t first) const {
    return place_.as<const std::int32_t>() + kHeaderWords + first;
  }

  Device* device_ = nullptr;
  std::size_t rows_max_ = 0;
  std::size_t bytes_ = 0;  // of a slot
  std::size_t slot_ = 0;
  DeviceRange place_;
  PinnedMemory slots_;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_STEP_INPUTS_H_
