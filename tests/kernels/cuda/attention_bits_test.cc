// Attention's promise: a row's bits depend on nothing but its sequence and its position.
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

TEST(CudaAttentionBits, DoNotDependOnWhereTheCacheHasAPosition) {
  for (const auto format : {KvFormat::kF16, KvFormat::kQ8_0}) {
    const std::vector<Sequence> sequences = {make_delicate({6, 2, 80, 16, 0, format}, 140, 3)};
    const Bits expected = in_steps(sequences, 135, 1);
    for (const std::uint32_t block_tokens : {16U, 32U, 256U}) {
      const std::vector<Sequence> paged = {
          make_delicate({6, 2, 80, block_tokens, 0, format}, 140, 3)};
      for (const std::uint64_t seed : {1U, 2U}) {
        EXPECT_EQ(in_steps(paged, 135, 1, {.table_seed = seed}), expected)
            << block_tokens << ", seed " << seed;
      }
    }
  }
}

TEST(CudaAttentionBits, DoNotDependOnWhatElseLiesInTheCache) {
  for (const HeadShape& shape : shapes()) {
    const std::vector<Sequence> sequences = {make_delicate(shape, 150, 3)};
    EXPECT_EQ(in_steps(sequences, 140, 1, {.stale_nans = true}), in_steps(sequences, 140, 1))
        << describe(shape);
  }
}

TEST(CudaAttentionBits, DoNotDependOnTheGridOrTheOrderOfBlocksAndThreads) {
  for (const HeadShape& shape : shapes()) {
    const std::vector<Sequence> sequences = {make_delicate(shape, 100, 3)};
    const Bits expected = in_steps(sequences, 97, 1);
    EXPECT_EQ(in_steps(sequences, 97, 1, {.rows_more = 16}), expected) << describe(shape);
    for (const std::uint64_t seed : {1U, 2U}) {
      EXPECT_EQ(in_steps(sequences, 97, 1, {.order_seed = seed}), expected)
          << describe(shape) << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace kernels_cuda_test
