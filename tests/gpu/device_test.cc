// The device itself: copies, recordings, and what it says when a kernel never ends or writes where
// it may not. The last two leave a context that is of no more use, so each runs in a process of its
// own.
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <vector>

#include "kernels/cuda/cuda_device.h"
#include "tests/gpu/endless.h"
#include "tests/gpu/gpu_under_test.h"
#include "tests/gpu/run_alone.h"

namespace gpu_test {
namespace {

using kernels::Status;
using kernels::cuda::Device;

class GpuDevice : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (is_emulated()) GTEST_SKIP() << "of a real GPU alone";
  }
};

std::unique_ptr<Device> open_device(std::uint32_t deadline_ms = 30'000) {
  static const kernels::cuda::Kernel kKernels[] = {spin_kernel(), wild_kernel(), add_kernel()};
  std::string error;
  auto device = kernels::cuda::open_cuda_device({.ordinal = 0, .deadline_ms = deadline_ms},
                                                {&kKernels[0], &kKernels[1], &kKernels[2]}, &error);
  EXPECT_NE(device, nullptr) << error;
  return device;
}

TEST_F(GpuDevice, SaysWhatItIs) {
  const auto device = open_device();
  ASSERT_NE(device, nullptr);
  const kernels::cuda::DeviceFacts& facts = device->facts();
  EXPECT_FALSE(facts.name.empty());
  EXPECT_EQ(facts.uuid.size(), 40U) << facts.uuid;
  EXPECT_GE(facts.capability, 80);
  EXPECT_GT(facts.processors, 0U);
  EXPECT_GT(facts.memory_free_bytes, 0U);
  EXPECT_LE(facts.memory_free_bytes, facts.memory_bytes);
  EXPECT_TRUE(device->failure().empty());
}

TEST_F(GpuDevice, CopiesWhatIsLargerThanItsStagingMemoryAndLetsTheSourceChangeAtOnce) {
  const auto device = open_device();
  ASSERT_NE(device, nullptr);
  constexpr std::size_t kCount = std::size_t{9} << 20;  // 36 MiB
  void* memory = nullptr;
  ASSERT_EQ(device->allocate(kCount * sizeof(unsigned), &memory), Status::kOk);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 256, 0U);
  std::vector<unsigned> values(kCount, 1);
  ASSERT_EQ(device->copy_out(values.data(), memory, kCount * sizeof(unsigned)), Status::kOk);
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0ULL), 0U) << "new memory is not zero";
  std::iota(values.begin(), values.end(), 0U);
  ASSERT_EQ(device->copy_in(memory, values.data(), kCount * sizeof(unsigned)), Status::kOk);
  std::fill(values.begin(), values.end(), 5U);
  ASSERT_EQ(device->copy_out(values.data(), memory, kCount * sizeof(unsigned)), Status::kOk);
  for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(values[i], i);
  // Many small ones, of odd sizes.
  for (unsigned i = 0; i < 5000; ++i) {
    const unsigned value = i * 7;
    ASSERT_EQ(device->copy_in(static_cast<unsigned*>(memory) + i, &value, sizeof value),
              Status::kOk);
  }
  ASSERT_EQ(device->copy_out(values.data(), memory, 5000 * sizeof(unsigned)), Status::kOk);
  for (unsigned i = 0; i < 5000; ++i) ASSERT_EQ(values[i], i * 7);
  device->free(memory);
}

TEST_F(GpuDevice, ReplaysWhatItRecordedAndDoesNotDoItWhileRecording) {
  const auto device = open_device();
  ASSERT_NE(device, nullptr);
  void* memory = nullptr;
  ASSERT_EQ(device->allocate(1000 * sizeof(unsigned), &memory), Status::kOk);
  const AddArguments arguments{static_cast<unsigned*>(memory), 1000};
  const auto value = [&] {
    std::vector<unsigned> values(1000);
    EXPECT_EQ(device->copy_out(values.data(), memory, 4000), Status::kOk);
    EXPECT_EQ(values.front(), values.back());
    return values.front();
  };
  ASSERT_EQ(device->launch_with(add_kernel(), {.grid_x = 4, .threads = 256}, arguments),
            Status::kOk);
  EXPECT_EQ(value(), 1U);
  ASSERT_EQ(device->begin_recording(), Status::kOk);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(device->launch_with(add_kernel(), {.grid_x = 4, .threads = 256, .overlap = false},
                                  arguments),
              Status::kOk);
  }
  std::unique_ptr<kernels::cuda::Recording> recording;
  ASSERT_EQ(device->end_recording(&recording), Status::kOk) << device->failure();
  EXPECT_EQ(value(), 1U);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(device->replay(*recording), Status::kOk);
  EXPECT_EQ(value(), 31U);
  recording.reset();
  device->free(memory);
}

TEST_F(GpuDevice, RefusesMoreMemoryThanThereIsAndGoesOn) {
  const auto device = open_device();
  ASSERT_NE(device, nullptr);
  void* memory = nullptr;
  EXPECT_EQ(device->allocate(device->facts().memory_bytes * 4, &memory), Status::kOutOfMemory);
  EXPECT_TRUE(device->failure().empty());
  EXPECT_EQ(device->allocate(1000, &memory), Status::kOk);
  device->free(memory);
}

TEST_F(GpuDevice, GivesUpOnAKernelThatNeverEnds) {
  if (child_word() == nullptr) {
    EXPECT_EQ(run_alone("GpuDevice.GivesUpOnAKernelThatNeverEnds", "yes"), 0);
    return;
  }
  const auto device = open_device(500);
  if (device == nullptr) leave();
  void* flag = nullptr;
  EXPECT_EQ(device->allocate(sizeof(unsigned), &flag), Status::kOk);
  EXPECT_EQ(device->launch_with(spin_kernel(), {}, SpinArguments{static_cast<unsigned*>(flag)}),
            Status::kOk);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(device->synchronize(), Status::kDevice);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  EXPECT_GT(seconds, 0.4);
  EXPECT_LT(seconds, 2.0);
  EXPECT_TRUE(device->hung());
  EXPECT_NE(device->failure().find("did not finish within 500 ms"), std::string::npos)
      << device->failure();
  EXPECT_NE(device->failure().find("test_spin_until"), std::string::npos) << device->failure();
  unsigned value = 0;
  EXPECT_EQ(device->copy_out(&value, flag, sizeof value), Status::kDevice)
      << "a failed device stays failed";
  leave();
}

TEST_F(GpuDevice, NamesTheKernelThatWroteWhereItMayNot) {
  if (child_word() == nullptr) {
    EXPECT_EQ(run_alone("GpuDevice.NamesTheKernelThatWroteWhereItMayNot", "yes"), 0);
    return;
  }
  const auto device = open_device();
  if (device == nullptr) leave();
  EXPECT_EQ(device->launch_with(wild_kernel(), {},
                                WildArguments{reinterpret_cast<unsigned*>(std::uintptr_t{0x10})}),
            Status::kOk);
  EXPECT_EQ(device->synchronize(), Status::kDevice);
  EXPECT_FALSE(device->hung());
  EXPECT_NE(device->failure().find("test_write_outside"), std::string::npos) << device->failure();
  EXPECT_EQ(device->synchronize(), Status::kDevice) << "a failed device stays failed";
  leave();
}

}  // namespace
}  // namespace gpu_test
