// A device that fails at any moment: the backend says so, goes on saying so, and nothing else
// happens.
#include <gtest/gtest.h>

#include <utility>

#include "tests/kernels/cuda/emulated_ops.h"
#include "tests/kernels/cuda/failing_device.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Random;

// What the backend says, call after call, while a weight is loaded and two steps run.
std::vector<Status> run_everything(Ops& ops) {
  std::vector<Status> said;
  std::unique_ptr<Weight> weight;
  said.push_back(ops.load_weight(make_matrix(Format::kBF16, 64, 64, 1).source(), &weight));
  std::unique_ptr<Buffer> x;
  said.push_back(ops.allocate(4 * 64 * sizeof(float), &x));
  if (weight == nullptr || x == nullptr) return said;
  const std::vector<std::int32_t> tokens = {3, 4};
  const std::vector<std::int32_t> logit_rows = {0, 1};
  for (int again = 0; again < 2; ++again) {
    Step step;
    step.rows.n = 2;
    step.tokens = tokens.data();
    step.logit_rows = logit_rows.data();
    step.logit_count = 2;
    step.decode = true;
    bool replayed = false;
    said.push_back(ops.begin_step(step, &replayed));
    if (!replayed) {
      said.push_back(ops.embed(*weight, tokens.data(), 2, x->floats()));
      said.push_back(
          ops.logits(x->floats(), logit_rows.data(), 2, {}, *weight, x->floats() + 2 * 64));
    }
    said.push_back(ops.end_step());
  }
  float max[2], sum[2];
  said.push_back(ops.logit_stats(x->floats(), 2, 64, max, sum));
  const SampleRow row;
  std::int32_t token = 0;
  said.push_back(ops.sample(x->floats(), 64, &row, 1, &token));
  said.push_back(ops.read_rows(max, x->floats(), 1, 2));
  return said;
}

TEST(CudaOpsFailure, IsSaidFromThenOnWhereverItHappens) {
  bool ran_through = false;
  for (std::size_t calls = 0; !ran_through && calls < 200; ++calls) {
    std::size_t calls_left = calls;
    EmulatedDeviceOptions emulated;
    emulated.memory_bytes = std::uint64_t{32} << 20;
    CudaOpsOptions options;
    options.limits = small_limits();
    options.memory_bytes = std::uint64_t{31} << 20;
    std::string error;
    const auto ops =
        make_cuda_ops(std::make_unique<FailingDevice>(make_emulated_device(emulated), &calls_left),
                      emulated_kernel_set(true), options, &error);
    if (ops == nullptr) {
      EXPECT_NE(error.find("fallen off the bus"), std::string::npos) << error;
      continue;
    }
    SCOPED_TRACE(calls);
    ran_through = fails_from_one_call_on(run_everything(*ops));
    EXPECT_EQ(ops->failure().empty(), ran_through);
  }
  EXPECT_TRUE(ran_through);
}

}  // namespace
}  // namespace kernels::cuda
