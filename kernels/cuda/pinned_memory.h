// Host memory that the device copies from and to by itself. Goes back when destroyed, before its
// Device.
#ifndef KERNELS_CUDA_PINNED_MEMORY_H_
#define KERNELS_CUDA_PINNED_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device.h"

namespace kernels::cuda {

class PinnedMemory {
 public:
  PinnedMemory() = default;
  ~PinnedMemory() {
    if (data_ != nullptr) device_->free_pinned(data_);
  }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  // Once.
  Status allocate(Device& device, std::size_t bytes) {
    const Status status = device.allocate_pinned(bytes, &data_);
    if (status != Status::kOk) {
      data_ = nullptr;
      return status;
    }
    device_ = &device;
    bytes_ = bytes;
    return status;
  }

  std::uint8_t* data() const { return static_cast<std::uint8_t*>(data_); }
  std::size_t bytes() const { return bytes_; }

 private:
  Device* device_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PINNED_MEMORY_H_
