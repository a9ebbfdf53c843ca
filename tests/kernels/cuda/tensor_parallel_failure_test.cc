// One of several devices fails, at any moment; or what it sends does not arrive.
#include <gtest/gtest.h>


#include "tests/kernels/cuda/failing_device.h"
#include "tests/kernels/cuda/shared_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;

const SharedOpsOptions kSmall = {.memory_bytes = std::uint64_t{4} << 20};

// Of two devices, `failing` fails after so many calls.
std::unique_ptr<Ops> make_failing(std::size_t failing, std::size_t* calls_left,
                                  std::string* error) {
  static std::size_t never;
  never = SIZE_MAX;
  std::vector<std::unique_ptr<Device>> devices;
  for (std::size_t i = 0; i < 2; ++i) {
    devices.push_back(std::make_unique<FailingDevice>(make_shared_device(kSmall),
                                                      i == failing ? calls_left : &never));
  }
  return make_tensor_parallel_ops(std::move(devices), emulated_kernel_set(true),
                                  shared_cuda_options(kSmall), error);
}

// What the backend says, call after call, while a weight is loaded and a step runs.
std::vector<Status> run_everything(Ops& ops) {
  std::vector<Status> said;
  const auto matrix = make_matrix(Format::kQ8_0, 128, 1024, 1);
  WeightSource source = matrix.source();
  std::unique_ptr<Weight> whole, columns;
  said.push_back(ops.load_weight(source, &whole));
  source.split = WeightSplit::kColumns;
  said.push_back(ops.load_weight(source, &columns));
  std::unique_ptr<Buffer> x, out;
  said.push_back(ops.allocate(2 * 1024 * sizeof(float), &x));
  said.push_back(ops.allocate(2 * 128 * sizeof(float), &out));
  if (whole == nullptr || columns == nullptr || x == nullptr || out == nullptr) return said;
  const std::int32_t tokens[] = {3, 4};
  const std::int32_t logit_rows[] = {0, 1};
  Step step;
  step.rows.n = 2;
  step.tokens = tokens;
  step.logit_rows = logit_rows;
  step.logit_count = 2;
  bool replayed = false;
  said.push_back(ops.begin_step(step, &replayed));
  said.push_back(ops.embed(*whole, tokens, 2, x->floats()));
  said.push_back(
      ops.linear_residual(x->floats(), 2, {columns.get(), nullptr, out->floats(), 128, {}}));
  said.push_back(ops.logits(x->floats(), logit_rows, 2, {}, *whole, out->floats()));
  said.push_back(ops.end_step());
  float max[2], sum[2];
  said.push_back(ops.logit_stats(out->floats(), 2, 128, max, sum));
  const SampleRow row;
  std::int32_t token = 0;
  said.push_back(ops.sample(out->floats(), 128, &row, 1, &token));
  said.push_back(ops.read_rows(max, x->floats(), 1, 2));
  return said;
}

TEST(TensorParallelFailure, OfOneDeviceIsThatOfAllFromThenOn) {
  for (const std::size_t failing : {0U, 1U}) {
    bool ran_through = false;
    for (std::size_t calls = 0; !ran_through && calls < 200; ++calls) {
      std::size_t calls_left = calls;
      std::string error;
      const auto ops = make_failing(failing, &calls_left, &error);
      if (ops == nullptr) {
        EXPECT_NE(error.find("fallen off the bus"), std::string::npos) << error;
        continue;
      }
      SCOPED_TRACE(calls);
      ran_through = fails_from_one_call_on(run_everything(*ops));
      EXPECT_EQ(ops->failure().empty(), ran_through);
      EXPECT_FALSE(ops->hung());
    }
    EXPECT_TRUE(ran_through);
  }
}

// A device that does not answer rather than say no.
class SilentDevice final : public FailingDevice {
 public:
  using FailingDevice::FailingDevice;
  bool hung() const override { return !failure().empty(); }
};

// Each waits for all: the one whose wait ends need not be the one that hangs.
TEST(TensorParallelFailure, BlamesNoSingleDeviceForAHang) {
  std::size_t never = SIZE_MAX;
  std::size_t calls_left = SIZE_MAX;
  std::vector<std::unique_ptr<Device>> devices;
  devices.push_back(std::make_unique<SilentDevice>(make_shared_device(kSmall), &calls_left));
  devices.push_back(std::make_unique<FailingDevice>(make_shared_device(kSmall), &never));
  std::string error;
  const auto ops = make_tensor_parallel_ops(std::move(devices), emulated_kernel_set(true),
                                            shared_cuda_options(kSmall), &error);
  ASSERT_NE(ops, nullptr) << error;
  EXPECT_FALSE(ops->hung());
  calls_left = 0;
  std::unique_ptr<Buffer> buffer;
  EXPECT_EQ(ops->allocate(256, &buffer), Status::kDevice);
  EXPECT_TRUE(ops->hung());
  EXPECT_EQ(ops->failure().find("one of the GPUs"), 0U) << ops->failure();
}

// A device to which copies from others arrive with a bit turned.
class DeafDevice final : public FailingDevice {
 public:
  using FailingDevice::FailingDevice;
  Status copy_from(Device& other, void* to, const void* from, std::size_t bytes) override {
    const Status status = FailingDevice::copy_from(other, to, from, bytes);
    return status == Status::kOk ? fill(static_cast<unsigned char*>(to) + bytes - 1, 0x7F, 1)
                                 : status;
  }
};

TEST(TensorParallelFailure, IsSeenBeforeAModelIsLoadedWhereCopiesDoNotArrive) {
  std::size_t never = SIZE_MAX;
  std::vector<std::unique_ptr<Device>> devices;
  devices.push_back(std::make_unique<FailingDevice>(make_shared_device(kSmall), &never));
  devices.push_back(std::make_unique<DeafDevice>(make_shared_device(kSmall), &never));
  std::string error;
  EXPECT_EQ(make_tensor_parallel_ops(std::move(devices), emulated_kernel_set(true),
                                     shared_cuda_options(kSmall), &error),
            nullptr);
  EXPECT_NE(error.find("does not receive"), std::string::npos) << error;
}

}  // namespace
}  // namespace kernels::cuda
