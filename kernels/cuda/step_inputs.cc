#include "kernels/cuda/step_inputs.h"

#include <algorithm>

#include "kernels/check.h"

namespace kernels::cuda {

Status StepInputs::create(Device& device, DeviceArena& arena, std::size_t rows_max) {
  device_ = &device;
  rows_max_ = rows_max;
  bytes_ = (kHeaderWords + 2 * rows_max) * sizeof(std::uint32_t);
  const Status status = arena.take(bytes_, &place_);
  if (status != Status::kOk) return status;
  return slots_.allocate(device, kSlots * bytes_);
}

Status StepInputs::upload(const Values& values) {
  KERNELS_CHECK(values.rows <= rows_max_ && values.logit_count <= rows_max_);
  if (slot_ == kSlots) {
    const Status status = device_->synchronize();
    if (status != Status::kOk) return status;
    slot_ = 0;
  }
  std::uint8_t* const slot = slots_.data() + slot_++ * bytes_;
  auto* const header = reinterpret_cast<std::uint32_t*>(slot);
  auto* const numbers = reinterpret_cast<std::int32_t*>(slot) + kHeaderWords;
  header[0] = static_cast<std::uint32_t>(values.rows);
  header[1] = static_cast<std::uint32_t>(values.logit_count);
  if (values.tokens != nullptr) std::copy_n(values.tokens, values.rows, numbers);
  if (values.logit_rows != nullptr)
    std::copy_n(values.logit_rows, values.logit_count, numbers + rows_max_);
  return device_->copy_in_pinned(place_.data(), slot, bytes_);
}

}  // namespace kernels::cuda
