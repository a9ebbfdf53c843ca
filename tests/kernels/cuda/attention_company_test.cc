// Attention's promise, of rows among others: their bits are those they have alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/kernels/cuda/attention_runner.h"

namespace kernels_cuda_test {
namespace {

// Prompts, ends of prompts and single rows of several sequences in one call, in every mixture.
TEST(CudaAttentionCompany, OfASequenceAreTheSameAloneAndInCompany) {
  for (const HeadShape& shape :
       {HeadShape{4, 2, 64}, HeadShape{3, 1, 80, 16, 50, KvFormat::kQ8_0}}) {
    std::vector<Sequence> sequences;
    for (std::uint32_t s = 0; s < 6; ++s) {
      sequences.push_back(make_delicate(shape, 20 + 54 * s, s + 1));
    }
    for (const std::uint64_t seed : {0U, 1U}) {
      Runner together(sequences, {.order_seed = seed, .slots = 9});
      std::vector<std::uint32_t> done(sequences.size());
      for (bool more = true; more;) {
        std::vector<Runner::Run> runs;
        for (std::uint32_t s = 0; s < sequences.size(); ++s) {
          const std::uint32_t count =
              std::min(s % 2 == 0 ? 1 + 5 * s : 19, sequences[s].tokens - done[s]);
          if (count > 0) runs.push_back({s, done[s], count});
          done[s] += count;
        }
        more = !runs.empty();
        if (more) together.step(runs);
      }
      EXPECT_TRUE(together.counters_are_zero());
      for (std::uint32_t s = 0; s < sequences.size(); ++s) {
        EXPECT_EQ(in_steps({sequences[s]}, 0, 64), together.out(s))
            << describe(shape) << ", sequence " << s;
      }
    }
  }
}

// More rows than a warp has lanes, of very different lengths: work is found by counting over lanes.
TEST(CudaAttentionCompany, OfADecodedRowAreTheSameAmongManyOthers) {
  const HeadShape shape{2, 2, 32};
  std::vector<Sequence> sequences;
  for (std::uint32_t s = 0; s < 40; ++s) {
    sequences.push_back(make_delicate(shape, s % 19 == 17 ? 600 : 4 + 2 * s, s + 1));
  }
  for (const std::uint32_t slots : {60U, 200U}) {
    Runner together(sequences, {.slots = slots, .rows_more = 20});
    std::vector<Runner::Run> last;
    for (std::uint32_t s = 0; s < 40; ++s) {
      for (std::uint32_t first = 0; first + 1 < sequences[s].tokens; first += 60) {
        together.step({{s, first, std::min(60U, sequences[s].tokens - 1 - first)}});
      }
      last.push_back({s, sequences[s].tokens - 1, 1});
    }
    together.step(last, true);
    if (slots > 0) {
      EXPECT_TRUE(together.counters_are_zero());
    }
    for (const std::uint32_t s : {0U, 16U, 17U, 18U, 31U, 32U, 36U, 39U}) {
      EXPECT_EQ(in_steps({sequences[s]}, 0, 64), together.out(s))
          << "sequence " << s << ", slots " << slots;
    }
  }
}

}  // namespace
}  // namespace kernels_cuda_test
