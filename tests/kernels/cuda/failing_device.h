// An emulated device that fails when a test wants it to.
#ifndef TESTS_KERNELS_CUDA_FAILING_DEVICE_H_
#define TESTS_KERNELS_CUDA_FAILING_DEVICE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/check.h"
#include "kernels/cuda/device.h"

namespace kernels::cuda {

// Fails for good at the call after `calls_left` more of them.
class FailingDevice : public Device {
 public:
  FailingDevice(std::unique_ptr<Device> device, std::size_t* calls_left)
      : device_(std::move(device)), calls_left_(calls_left) {}

  const DeviceFacts& facts() const override { return device_->facts(); }
  const std::string& failure() const override { return failure_; }

  Status allocate(std::size_t bytes, void** out) override {
    return fails() ? Status::kDevice : device_->allocate(bytes, out);
  }
  void free(void* memory) override { device_->free(memory); }
  Status allocate_pinned(std::size_t bytes, void** out) override {
    return fails() ? Status::kDevice : device_->allocate_pinned(bytes, out);
  }
  void free_pinned(void* memory) override { device_->free_pinned(memory); }
  Status copy_in(void* to, const void* from, std::size_t bytes) override {
    return fails() ? Status::kDevice : device_->copy_in(to, from, bytes);
  }
  Status copy_in_pinned(void* to, const void* from, std::size_t bytes) override {
    return fails() ? Status::kDevice : device_->copy_in_pinned(to, from, bytes);
  }
  Status copy_out(void* to, const void* from, std::size_t bytes) override {
    return fails() ? Status::kDevice : device_->copy_out(to, from, bytes);
  }
  Status fill(void* to, int byte, std::size_t bytes) override {
    return fails() ? Status::kDevice : device_->fill(to, byte, bytes);
  }
  Status copy_from(Device& other, void* to, const void* from, std::size_t bytes) override {
    KERNELS_CHECK(other.kind() == kind());
    auto& source = static_cast<FailingDevice&>(other);
    if (source.fails() || fails()) return Status::kDevice;
    return device_->copy_from(*source.device_, to, from, bytes);
  }
  const void* kind() const override {
    static constexpr char kKind = 0;
    return &kKind;
  }
  Status launch(const Kernel& kernel, const LaunchShape& shape, const void* arguments) override {
    return fails() ? Status::kDevice : device_->launch(kernel, shape, arguments);
  }
  Status synchronize() override { return fails() ? Status::kDevice : device_->synchronize(); }
  Status begin_recording() override {
    return fails() ? Status::kDevice : device_->begin_recording();
  }
  Status end_recording(std::unique_ptr<Recording>* out) override {
    return fails() ? Status::kDevice : device_->end_recording(out);
  }
  Status replay(const Recording& recording) override {
    return fails() ? Status::kDevice : device_->replay(recording);
  }

 private:
  bool fails() {
    if (*calls_left_ == 0) {
      failure_ = "the GPU has fallen off the bus";
      return true;
    }
    --*calls_left_;
    return false;
  }

  std::unique_ptr<Device> device_;
  std::size_t* calls_left_;
  std::string failure_;
};

// What a backend says, call after call: kOk until its device fails, and kDevice from then on. True:
// it never did.
inline bool fails_from_one_call_on(const std::vector<Status>& said) {
  const auto first = std::find(said.begin(), said.end(), Status::kDevice);
  const auto is = [](Status wanted) {
    return [wanted](Status status) { return status == wanted; };
  };
  EXPECT_TRUE(std::all_of(said.begin(), first, is(Status::kOk)));
  EXPECT_TRUE(std::all_of(first, said.end(), is(Status::kDevice)));
  return first == said.end();
}

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_FAILING_DEVICE_H_
