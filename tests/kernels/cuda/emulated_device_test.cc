// Memory, launches and recordings of the emulated device.
#include <cstring>

#include "tests/kernels/cuda/launching.h"

namespace kernels::cuda {
namespace {

struct AddArgs {
  std::uint32_t* cells;
  std::uint32_t amount;
};

KERNELS_GLOBAL void add(AddArgs args) {
  wait_for_former();
  args.cells[block_x() * threads() + thread()] += args.amount;
}

const Kernel kAdd = kernel_of<AddArgs, add>("add", 0);

TEST(EmulatedDevice, MemoryIsZeroAlignedAndBounded) {
  const auto device = make_emulated_device({.memory_bytes = 1 << 20});
  EXPECT_EQ(device->facts().memory_bytes, 1U << 20U);
  void* first = nullptr;
  ASSERT_EQ(device->allocate(1000000, &first), Status::kOk);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 256, 0U);
  std::vector<unsigned char> bytes(1000000, 1);
  ASSERT_EQ(device->copy_out(bytes.data(), first, bytes.size()), Status::kOk);
  EXPECT_EQ(bytes, std::vector<unsigned char>(1000000, 0));
  void* second = nullptr;
  EXPECT_EQ(device->allocate(1000000, &second), Status::kOutOfMemory);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(device->failure(), "");
  device->free(first);
  EXPECT_EQ(device->allocate(1 << 20, &second), Status::kOk);
  device->free(second);
}

TEST(EmulatedDevice, ArgumentsAreThoseOfTheLaunchAndOfTheRightSize) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> cells(*device, 64);
  ASSERT_EQ(device->launch_with(kAdd, {.grid_x = 2}, AddArgs{cells.data(), 5}), Status::kOk);
  EXPECT_EQ(cells.read(), std::vector<std::uint32_t>(64, 5));
  EXPECT_EQ(device->launch_with(kAdd, {}, std::uint32_t{1}), Status::kUnsupported);
  ASSERT_EQ(device->fill(cells.data(), 0, 32 * 4), Status::kOk);
  const auto values = cells.read();
  EXPECT_EQ(values[31], 0U);
  EXPECT_EQ(values[32], 5U);
}

TEST(EmulatedDevice, ARecordingIsMadeWhenReplayedAndKeepsItsArguments) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> cells(*device, 32);
  ASSERT_EQ(device->begin_recording(), Status::kOk);
  AddArgs args{cells.data(), 3};
  ASSERT_EQ(device->launch_with(kAdd, {}, args), Status::kOk);
  args.amount = 10;
  ASSERT_EQ(device->launch_with(kAdd, {}, args), Status::kOk);
  args.amount = 1000;
  std::unique_ptr<Recording> recording;
  ASSERT_EQ(device->end_recording(&recording), Status::kOk);
  EXPECT_EQ(cells.read(), std::vector<std::uint32_t>(32, 0));
  ASSERT_EQ(device->replay(*recording), Status::kOk);
  ASSERT_EQ(device->replay(*recording), Status::kOk);
  EXPECT_EQ(cells.read(), std::vector<std::uint32_t>(32, 26));
}

TEST(EmulatedDevice, ACopyWhileRecordingFailsForGood) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> cells(*device, 32);
  const std::uint32_t value = 1;
  ASSERT_EQ(device->begin_recording(), Status::kOk);
  EXPECT_EQ(device->copy_in(cells.data(), &value, sizeof value), Status::kDevice);
  EXPECT_NE(device->failure(), "");
  EXPECT_EQ(device->launch_with(kAdd, {}, AddArgs{cells.data(), 1}), Status::kDevice);
  EXPECT_EQ(device->synchronize(), Status::kDevice);
}

TEST(EmulatedDevice, WithoutRecordingsItSaysSoAndGoesOn) {
  const auto device = make_emulated_device({.recordings = false});
  EXPECT_EQ(device->begin_recording(), Status::kUnsupported);
  EXPECT_EQ(device->synchronize(), Status::kOk);
}

TEST(EmulatedDeviceDeathTest, PinnedMemoryThatIsChangedTooEarlyIsFound) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> cells(*device, 32);
  void* pinned = nullptr;
  ASSERT_EQ(device->allocate_pinned(128, &pinned), Status::kOk);
  std::memset(pinned, 1, 128);
  ASSERT_EQ(device->copy_in_pinned(cells.data(), pinned, 128), Status::kOk);
  EXPECT_EQ(cells.read(), std::vector<std::uint32_t>(32, 0x01010101));
  std::memset(pinned, 2, 128);  // after a copy_out: allowed
  ASSERT_EQ(device->copy_in_pinned(cells.data(), pinned, 128), Status::kOk);
  std::memset(pinned, 3, 128);
  EXPECT_DEATH(static_cast<void>(device->synchronize()), "pinned memory was changed");
  std::memset(pinned, 2, 128);
  EXPECT_EQ(device->synchronize(), Status::kOk);
  device->free_pinned(pinned);
}

TEST(EmulatedDeviceDeathTest, CopiesOutsideAnAllocationAreFound) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> cells(*device, 32);
  std::uint32_t values[33] = {};
  EXPECT_DEATH(static_cast<void>(device->copy_in(cells.data(), values, sizeof values)), "owns");
}

}  // namespace
}  // namespace kernels::cuda
