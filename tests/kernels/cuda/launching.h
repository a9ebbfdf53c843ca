// Runs a kernel on an emulated device over a plain vector: what most tests of kernels want.
#ifndef TESTS_KERNELS_CUDA_LAUNCHING_H_
#define TESTS_KERNELS_CUDA_LAUNCHING_H_

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kernels/cuda/emulated/emulated_device.h"
#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/portable/portable.h"

namespace kernels::cuda {

// Device memory that holds the elements of a vector.
template <typename T>
class OnDevice {
 public:
  OnDevice(Device& device, const std::vector<T>& values) : device_(device), count_(values.size()) {
    void* memory = nullptr;
    EXPECT_EQ(device_.allocate(count_ * sizeof(T), &memory), Status::kOk);
    data_ = static_cast<T*>(memory);
    EXPECT_EQ(device_.copy_in(data_, values.data(), count_ * sizeof(T)), Status::kOk);
  }
  OnDevice(Device& device, std::size_t count) : OnDevice(device, std::vector<T>(count)) {}
  ~OnDevice() { device_.free(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  T* data() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    EXPECT_EQ(device_.copy_out(values.data(), data_, count_ * sizeof(T)), Status::kOk);
    return values;
  }

 private:
  Device& device_;
  std::size_t count_;
  T* data_ = nullptr;
};

inline std::unique_ptr<Device> emulated_device(std::uint64_t order_seed = 0, int capability = 90) {
  EmulatedDeviceOptions options;
  options.capability = capability;
  options.order_seed = order_seed;
  return make_emulated_device(options);
}

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_LAUNCHING_H_
