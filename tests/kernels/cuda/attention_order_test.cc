// Attention's promise: a row's bits depend on nothing but its sequence and its position, however a
// prompt is cut into calls and splits are shared out.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/kernels/cuda/attention_runner.h"

namespace kernels_cuda_test {
namespace {

// Every bucket of head_dim, groups that fill 16 rows and groups that do not, both formats, windows.
std::vector<HeadShape> shapes() {
  return {{7, 1, 64, 16},
          {2, 2, 80, 32, 100},
          {5, 1, 128, 64, 0, KvFormat::kQ8_0},
          {9, 1, 64, 32, 0, KvFormat::kQ8_0, RopePairs::kAdjacent, true},
          {2, 2, 256, 16, 200}};
}

TEST(CudaAttentionOrder, AreTheSameHoweverAPromptIsCut) {
  for (const HeadShape& shape : shapes()) {
    const std::vector<Sequence> sequences = {make_delicate(shape, 270, 3)};
    const Bits whole = in_steps(sequences, 0, 64);
    EXPECT_EQ(in_steps(sequences, 0, 33), whole) << describe(shape);
    EXPECT_EQ(in_steps(sequences, 262, 2), whole) << describe(shape);
    EXPECT_EQ(in_steps(sequences, 262, 1), whole) << describe(shape) << ", token by token";
  }
}

TEST(CudaAttentionOrder, AreTheSameForSplitsSideBySideAndOneAfterTheOther) {
  for (const HeadShape& shape :
       {HeadShape{4, 2, 64}, HeadShape{3, 1, 80, 64, 400, KvFormat::kQ8_0}}) {
    const std::vector<Sequence> sequences = {make_delicate(shape, 768, 3)};
    const Bits expected = in_steps(sequences, 0, 64, {.slots = 0});
    for (const std::uint64_t seed : {0U, 5U}) {
      Runner runner(sequences, {.order_seed = seed});
      for (std::uint32_t first = 0; first < 767; first += 110) {
        runner.step({{0, first, std::min(110U, 767 - first)}});
      }
      for (const std::uint32_t slots : {0U, 2U, 3U, 64U}) {
        runner.make_room(slots);
        for (int again = 0; again < 2; ++again) {
          runner.step({{0, 767, 1}}, again == 0);
          EXPECT_EQ(runner.out(0), expected)
              << describe(shape) << ", " << slots << " slots, seed " << seed;
        }
        if (slots > 0) {
          EXPECT_TRUE(runner.counters_are_zero());
        }
      }
    }
  }
}

}  // namespace
}  // namespace kernels_cuda_test
