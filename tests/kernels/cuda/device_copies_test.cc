// Copies from one emulated device to another.
#include "tests/kernels/cuda/failing_device.h"
#include "tests/kernels/cuda/launching.h"

namespace kernels::cuda {
namespace {

using Words = std::vector<std::uint32_t>;

Words counted(std::size_t count) {
  Words words(count);
  for (std::size_t i = 0; i < count; ++i) words[i] = static_cast<std::uint32_t>(i);
  return words;
}

TEST(DeviceCopies, BringWhatIsThereToTheOtherDevice) {
  const auto one = emulated_device();
  const auto other = emulated_device();
  const OnDevice<std::uint32_t> from(*other, 64);
  const OnDevice<std::uint32_t> to(*one, 64);
  ASSERT_EQ(other->copy_in(from.data(), counted(64).data(), 256), Status::kOk);
  ASSERT_EQ(one->copy_from(*other, to.data() + 1, from.data() + 8, 32 * 4), Status::kOk);
  const Words words = to.read();
  EXPECT_EQ(words[0], 0U);
  EXPECT_EQ(words[1], 8U);
  EXPECT_EQ(words[32], 39U);
  EXPECT_EQ(words[33], 0U);
  EXPECT_EQ(one->copy_from(*other, to.data(), from.data(), 0), Status::kOk);
}

TEST(DeviceCopies, AreRefusedWhileEitherRecords) {
  for (const bool source_records : {true, false}) {
    const auto one = emulated_device();
    const auto other = emulated_device();
    const OnDevice<std::uint32_t> from(*other, 64);
    const OnDevice<std::uint32_t> to(*one, 64);
    Device& recording = source_records ? *other : *one;
    ASSERT_EQ(recording.begin_recording(), Status::kOk);
    EXPECT_EQ(one->copy_from(*other, to.data(), from.data(), 4), Status::kDevice);
    EXPECT_NE(recording.failure(), "");
    Device& well = source_records ? *one : *other;
    EXPECT_EQ(well.failure(), "");
    // The one that failed has failed for good, for the other's copies too.
    EXPECT_EQ(one->copy_from(*other, to.data(), from.data(), 4), Status::kDevice);
    EXPECT_EQ(other->copy_from(*one, from.data(), to.data(), 4), Status::kDevice);
  }
}

TEST(DeviceCopiesDeathTest, EndTheProcessWhereMemoryIsNotTheDevices) {
  const auto one = emulated_device();
  const auto other = emulated_device();
  const OnDevice<std::uint32_t> from(*other, 64);
  const OnDevice<std::uint32_t> to(*one, 64);
  EXPECT_DEATH((void)one->copy_from(*other, from.data(), from.data(), 4), "owns");
  EXPECT_DEATH((void)one->copy_from(*other, to.data(), to.data(), 4), "owns");
  EXPECT_DEATH((void)one->copy_from(*other, to.data() + 63, from.data(), 8), "owns");
  EXPECT_DEATH((void)one->copy_from(*other, to.data(), from.data() + 63, 8), "owns");
}

TEST(DeviceCopiesDeathTest, EndTheProcessBetweenDevicesOfDifferentKinds) {
  const auto one = emulated_device();
  std::size_t calls_left = 100;
  FailingDevice other(emulated_device(), &calls_left);
  const OnDevice<std::uint32_t> to(*one, 64);
  EXPECT_DEATH((void)one->copy_from(other, to.data(), to.data(), 4), "kind");
  EXPECT_DEATH((void)one->copy_from(*one, to.data(), to.data(), 4), "this");
}

}  // namespace
}  // namespace kernels::cuda
