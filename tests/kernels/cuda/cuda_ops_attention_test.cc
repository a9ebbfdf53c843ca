// Attention through the backend: the working memory that its calls share, and the copy of a block.
#include <gtest/gtest.h>

#include "kernels/half.h"
#include "tests/kernels/cuda/emulated_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::Random;

constexpr std::size_t kHeads = 4;
constexpr std::size_t kKvHeads = 2;
constexpr std::size_t kHeadDim = 32;
constexpr std::size_t kTokens = 300;  // more than a split
constexpr std::size_t kBlocks = 20;   // of a sequence
constexpr std::size_t kSequences = 48;

// One cache that is filled once, and many sequences that read the same blocks.
class SharedContext {
 public:
  explicit SharedContext(Ops& ops)
      : ops_(ops),
        q_(ops, kSequences * kHeads * kHeadDim),
        out_(ops, kSequences * kHeads * kHeadDim),
        positions_(ops, kTokens),
        sequences_(ops, kTokens),
        tables_(ops, make_tables()) {
    EXPECT_EQ(
        ops.create_kv_cache({1, kKvHeads, kHeadDim, 16, 2 * kBlocks}, KvFormat::kF16, &cache_),
        Status::kOk);
    for (std::size_t first = 0; first < kTokens; first += 50) store(first, 50);
  }

  // Everybody asks the same at the last position.
  std::vector<float> attend(std::size_t n, std::size_t first_sequence = 0) {
    const std::vector<float> one = Random(1).uniforms(kHeads * kHeadDim);
    std::vector<float> q;
    std::vector<std::int32_t> positions(n, kTokens - 1), sequences, tokens(n, 0), logit_rows;
    for (std::size_t i = 0; i < n; ++i) {
      q.insert(q.end(), one.begin(), one.end());
      sequences.push_back(static_cast<std::int32_t>(first_sequence + i));
      logit_rows.push_back(static_cast<std::int32_t>(i));
    }
    q_.write(q);
    out_.write(std::vector<float>(kSequences * kHeads * kHeadDim, -9.0F));
    positions_.write(positions);
    sequences_.write(sequences);
    Step step;
    step.rows = {n, positions_.data(), sequences_.data(), tables_.data(), kBlocks};
    step.tokens = tokens.data();
    step.logit_rows = logit_rows.data();
    step.logit_count = n;
    step.position_max = kTokens - 1;
    step.decode = true;
    bool replayed = false;
    EXPECT_EQ(ops_.begin_step(step, &replayed), Status::kOk);
    Ops::Attention attention;
    attention.q = q_.data();
    attention.q_stride = kHeads * kHeadDim;
    attention.q_heads = kHeads;
    attention.scale = 0.2F;
    attention.out = out_.data();
    attention.out_stride = kHeads * kHeadDim;
    EXPECT_EQ(ops_.attention(attention, step.rows, *cache_, 0), Status::kOk);
    EXPECT_EQ(ops_.end_step(), Status::kOk);
    std::vector<float> read(n * kHeads * kHeadDim);
    EXPECT_EQ(ops_.read_rows(read.data(), out_.data(), n, kHeads * kHeadDim), Status::kOk);
    return read;
  }

  KvCache& cache() { return *cache_; }

 private:
  // All but the last read blocks 0 …; the last reads those behind them.
  static std::vector<std::int32_t> make_tables() {
    std::vector<std::int32_t> tables;
    for (std::size_t s = 0; s < kSequences; ++s) {
      for (std::size_t b = 0; b < kBlocks; ++b)
        tables.push_back(static_cast<std::int32_t>(b + (s + 1 == kSequences ? kBlocks : 0)));
    }
    return tables;
  }

  void store(std::size_t first, std::size_t n) {
    const Held<float> q(ops_, n * kHeads * kHeadDim);
    const Held<float> k(ops_, Random(first + 5).uniforms(n * kKvHeads * kHeadDim, 2.0F));
    const Held<float> v(ops_, Random(first + 6).uniforms(n * kKvHeads * kHeadDim));
    std::vector<std::int32_t> positions;
    for (std::size_t i = 0; i < n; ++i) positions.push_back(static_cast<std::int32_t>(first + i));
    positions_.write(positions);
    sequences_.write(std::vector<std::int32_t>(n, 0));
    Ops::RopeStore store;
    store.q = q.data();
    store.q_stride = kHeads * kHeadDim;
    store.q_heads = kHeads;
    store.k = k.data();
    store.v = v.data();
    store.kv_stride = kKvHeads * kHeadDim;
    const Rows rows = {n, positions_.data(), sequences_.data(), tables_.data(), kBlocks};
    EXPECT_EQ(ops_.rope_store(store, rows, *cache_, 0), Status::kOk);
  }

  Ops& ops_;
  Held<float> q_, out_;
  Held<std::int32_t> positions_, sequences_, tables_;
  std::unique_ptr<KvCache> cache_;
};

// A call of few rows leaves its partial results where a call of many rows might count.
TEST(CudaAttention, OfManyRowsIsThatOfEachAfterAnyOtherCall) {
  const auto ops = make_emulated_ops({.record_steps = false});
  SharedContext context(*ops);
  const std::vector<float> one = context.attend(1);
  for (const std::size_t n : {kSequences - 1, std::size_t{3}, kSequences - 2}) {
    const std::vector<float> many = context.attend(n);
    for (std::size_t i = 0; i < many.size(); ++i)
      ASSERT_EQ(many[i], one[i % one.size()]) << n << " rows, " << i;
  }
}

TEST(CudaAttention, SeesACopiedBlockAsItsOriginal) {
  const auto ops = make_emulated_ops({.record_steps = false});
  SharedContext context(*ops);
  const std::vector<float> original = context.attend(1);
  EXPECT_NE(context.attend(1, kSequences - 1), original) << "nothing was copied yet";
  for (std::size_t b = 0; b < kBlocks; ++b) {
    ASSERT_EQ(ops->kv_copy_block(context.cache(), static_cast<std::int32_t>(b),
                                 static_cast<std::int32_t>(b + kBlocks)),
              Status::kOk);
  }
  EXPECT_EQ(context.attend(1, kSequences - 1), original);
}

}  // namespace
}  // namespace kernels::cuda
