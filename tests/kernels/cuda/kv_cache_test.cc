// What rope_store leaves in queries and in the cache, and copies of blocks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/half.h"
#include "tests/kernels/cuda/attention_runner.h"

namespace kernels_cuda_test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Byte of element (position, d) of a head's keys (which = 0) or values (1) in layer 1 of the two,
// as attention.h has it.
struct Layout {
  const HeadShape& shape;
  std::uint32_t blocks;
  const std::vector<std::int32_t>& table;

  std::size_t head_slot(std::uint32_t position, std::uint32_t which, std::uint32_t head) const {
    const auto block = static_cast<std::uint32_t>(table[position / shape.block_tokens]);
    return (((std::size_t{blocks} + block) * 2 + which) * shape.kv_heads + head);
  }
  std::size_t element(std::uint32_t position, std::uint32_t which, std::uint32_t head,
                      std::uint32_t d) const {
    const std::size_t slot =
        head_slot(position, which, head) * shape.block_tokens + position % shape.block_tokens;
    return (slot * shape.head_dim + d) * (shape.format == KvFormat::kQ8_0 ? 1 : 2);
  }
  std::size_t scale(std::uint32_t position, std::uint32_t which, std::uint32_t head,
                    std::uint32_t group) const {
    const std::size_t codes =
        std::size_t{2} * blocks * 2 * shape.kv_heads * shape.block_tokens * shape.head_dim;
    const std::uint32_t groups = (shape.head_dim + 31) / 32;
    return (codes + 255) / 256 * 256 +
           ((head_slot(position, which, head) * groups + group) * shape.block_tokens +
            position % shape.block_tokens) *
               2;
  }
};

std::uint16_t half_at(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  std::uint16_t half = 0;
  std::memcpy(&half, bytes.data() + at, 2);
  return half;
}

TEST(CudaRopeStore, TurnsQueriesByTheOrderThatIsWrittenDown) {
  for (const auto pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
    for (const std::uint32_t dims : {80U, 48U}) {
      const HeadShape shape{3, 1, 80, 16, 0, KvFormat::kF16, pairs, false, dims};
      const std::vector<Sequence> sequences = {Sequence(shape, 9, 2)};
      Runner runner(sequences, {});
      runner.step({{0, 0, 9}});
      const Sequence& of = sequences[0];
      for (std::uint32_t i = 0; i < of.q.size(); ++i) {
        const std::uint32_t d = i % 80, row = i / shape.q_cols();
        float expected = of.q[i];
        if (d < dims) {
          const bool adjacent = pairs == RopePairs::kAdjacent;
          const std::uint32_t pair = adjacent ? d / 2 : d % (dims / 2);
          const float cosine = of.cos_sin[row * dims + pair],
                      sine = of.cos_sin[row * dims + dims / 2 + pair];
          const std::uint32_t away = adjacent ? 1 : dims / 2;
          const bool first = adjacent ? d % 2 == 0 : d < dims / 2;
          expected = first ? std::fma(of.q[i], cosine, -(of.q[i + away] * sine))
                           : std::fma(of.q[i], cosine, of.q[i - away] * sine);
        }
        ASSERT_EQ(runner.turned()[i], expected) << "dims " << dims << " element " << i;
      }
    }
  }
}

TEST(CudaRopeStore, StoresValuesAsHalvesThatAreNeverInfinite) {
  const HeadShape shape{2, 2, 80, 32};
  std::vector<Sequence> sequences = {Sequence(shape, 40, 2)};
  sequences[0].v[100] = 1e6F;
  sequences[0].v[101] = -std::numeric_limits<float>::infinity();
  Runner runner(sequences, {.table_seed = 3});
  runner.step({{0, 0, 40}});
  const std::vector<std::uint8_t> bytes = runner.cache_bytes();
  const Layout layout{shape, static_cast<std::uint32_t>(runner.tables().size()), runner.tables()};
  for (std::uint32_t i = 0; i < sequences[0].v.size(); ++i) {
    const std::uint16_t stored = half_at(bytes, layout.element(i / 160, 1, i / 80 % 2, i % 80));
    const std::uint16_t expected = i == 100   ? 0x7bff
                                   : i == 101 ? 0xfbff
                                              : kernels::f32_to_f16(sequences[0].v[i]);
    ASSERT_EQ(stored, expected) << "element " << i;
  }
}

TEST(CudaRopeStore, StoresCodesAndScalesAsQ8HasThem) {
  for (const std::uint32_t dim : {64U, 80U, 256U}) {
    const HeadShape shape{2, 2, dim, 16, 0, KvFormat::kQ8_0};
    std::vector<Sequence> sequences = {Sequence(shape, 20, 2)};
    std::vector<float>& v = sequences[0].v;
    for (std::uint32_t d = 0; d < 32; ++d) v[d] = 0;  // a group of zeros
    Runner runner(sequences, {.table_seed = 3});
    runner.step({{0, 0, 20}});
    const std::vector<std::uint8_t> bytes = runner.cache_bytes();
    const Layout layout{shape, static_cast<std::uint32_t>(runner.tables().size()), runner.tables()};
    for (std::uint32_t first = 0; first < v.size();) {
      const std::uint32_t position = first / (2 * dim), head = first / dim % 2, d = first % dim;
      const std::uint32_t count = std::min(32U, dim - d);
      float largest = 0;
      for (std::uint32_t i = 0; i < count; ++i)
        largest = std::max(largest, std::fabs(v[first + i]));
      const float scale = largest / 127.0F;
      const float inverse = scale < 1e-30F ? 0.0F : 1.0F / scale;
      ASSERT_EQ(half_at(bytes, layout.scale(position, 1, head, d / 32)), kernels::f32_to_f16(scale))
          << first;
      for (std::uint32_t i = 0; i < count; ++i) {
        const auto code = static_cast<std::int8_t>(bytes[layout.element(position, 1, head, d + i)]);
        ASSERT_EQ(static_cast<float>(code), std::nearbyint(v[first + i] * inverse)) << first + i;
      }
      first += count;
    }
  }
}

TEST(CudaRopeStore, SurvivesAnInfiniteKeyWithAQ8Cache) {
  const HeadShape shape{2, 1, 64, 16, 0, KvFormat::kQ8_0};
  std::vector<Sequence> sequences = {Sequence(shape, 5, 2)};
  sequences[0].v[3 * 64 + 5] = std::numeric_limits<float>::infinity();
  Runner runner(sequences, {});
  runner.step({{0, 0, 5}});
  for (const float x : runner.floats(0)) ASSERT_TRUE(std::isfinite(x));
}

// In the same tile, in the same 16 positions: rows before it keep their bits, and every row that
// sees it says so.
TEST(CudaAttentionNan, StaysWithTheRowsThatSeeIt) {
  for (const auto format : {KvFormat::kF16, KvFormat::kQ8_0}) {
    for (const bool in_key : {false, true}) {
      const HeadShape shape{2, 1, 96, 16, 3, format};
      const std::vector<Sequence> sequences = {Sequence(shape, 20, 1)};
      std::vector<Sequence> poisoned = sequences;
      (in_key ? poisoned[0].k : poisoned[0].v)[11 * 96 + 67] = kNan;
      for (const std::uint32_t chunk : {20U, 1U}) {
        const std::vector<std::uint16_t> clean = Runner(sequences, {}).in_chunks(chunk);
        Runner runner(poisoned, {});
        const std::vector<std::uint16_t> out = runner.in_chunks(chunk);
        const std::vector<float> values = runner.floats(0);
        for (std::uint32_t i = 0; i < out.size(); ++i) {
          const std::uint32_t row = i / shape.q_cols();
          if (row >= 11 && row < 14) {
            ASSERT_TRUE(std::isnan(values[i])) << i;
          } else {
            ASSERT_EQ(out[i], clean[i]) << i;
          }
        }
      }
    }
  }
}

TEST(CudaAttentionNan, OfAQueryStaysWithItsHead) {
  const HeadShape shape{4, 2, 64};
  const std::vector<Sequence> sequences = {Sequence(shape, 20, 1)};
  std::vector<Sequence> poisoned = sequences;
  poisoned[0].q[(7 * 4 + 2) * 64 + 9] = kNan;
  const std::vector<std::uint16_t> clean = Runner(sequences, {}).in_chunks(20);
  Runner runner(poisoned, {});
  const std::vector<std::uint16_t> out = runner.in_chunks(20);
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    if (i / 64 == 7 * 4 + 2) {
      ASSERT_TRUE(std::isnan(runner.floats(0)[i])) << i;
    } else {
      ASSERT_EQ(out[i], clean[i]) << i;
    }
  }
}

TEST(CudaKvCache, CopiesABlockInEveryLayerAndNothingElse) {
  for (const auto format : {KvFormat::kF16, KvFormat::kQ8_0}) {
    const HeadShape shape{2, 2, 80, 16, 0, format};
    const std::vector<Sequence> sequences = {Sequence(shape, 40, 1), Sequence(shape, 40, 2)};
    Runner runner(sequences, {.table_seed = 7});
    runner.step({{0, 0, 40}});
    const std::vector<std::uint8_t> before = runner.cache_bytes();
    runner.copy_block(runner.tables()[1], runner.tables()[4]);
    const std::vector<std::uint8_t> after = runner.cache_bytes();
    const Layout layout{shape, static_cast<std::uint32_t>(runner.tables().size()), runner.tables()};
    const std::vector<std::int32_t> moved(runner.tables().begin() + 3, runner.tables().end());
    const Layout copy{shape, layout.blocks, moved};
    std::size_t changed = 0, expected = 0;
    for (std::uint32_t position = 16; position < 32; ++position) {
      for (std::uint32_t i = 0; i < 4 * 80; ++i) {
        const std::uint32_t which = i / 160, head = i / 80 % 2, d = i % 80;
        const std::size_t from = layout.element(position, which, head, d),
                          to = copy.element(position, which, head, d);
        ASSERT_EQ(after[to], before[from]);
        expected += before[from] != 0 ? 1U : 0U;
        if (format == KvFormat::kF16) {
          ASSERT_EQ(after[to + 1], before[from + 1]);
          expected += before[from + 1] != 0 ? 1U : 0U;
        } else if (d % 32 == 0) {
          const std::size_t scale = copy.scale(position, which, head, d / 32);
          const std::uint16_t of_source =
              half_at(before, layout.scale(position, which, head, d / 32));
          ASSERT_EQ(half_at(after, scale), of_source);
          expected += ((of_source & 0xffU) != 0 ? 1U : 0U) + ((of_source >> 8U) != 0 ? 1U : 0U);
        }
      }
    }
    for (std::size_t i = 0; i < after.size(); ++i) changed += after[i] != before[i] ? 1U : 0U;
    EXPECT_EQ(changed, expected);
  }
}

TEST(CudaKvCache, TakesTheBytesOfItsLayout) {
  const auto bytes = [](std::size_t head_dim, KvFormat format) {
    return kernels::cuda::kv_memory_bytes({3, 2, head_dim, 32, 5}, format);
  };
  const std::size_t positions = 2 * 3 * 2 * 32 * 5;
  EXPECT_EQ(bytes(64, KvFormat::kF16), positions * 64 * 2);
  EXPECT_EQ(bytes(64, KvFormat::kQ8_0), positions * (64 + 2 * 2));
  EXPECT_EQ(bytes(80, KvFormat::kQ8_0), positions * (80 + 3 * 2));
}

TEST(CudaKvCache, RefusesShapesOutsideTheContract) {
  using kernels::cuda::kv_memory_bytes;
  EXPECT_EQ(kv_memory_bytes({1, 1, 64, 16, 4}, KvFormat::kF32), 0U);
  EXPECT_EQ(kv_memory_bytes({1, 1, 64, 24, 4}, KvFormat::kF16), 0U);
  EXPECT_EQ(kv_memory_bytes({1, 1, 64, 512, 4}, KvFormat::kF16), 0U);
  EXPECT_EQ(kv_memory_bytes({1, 1, 72, 16, 4}, KvFormat::kF16), 0U);
  EXPECT_EQ(kv_memory_bytes({1, 1, 272, 16, 4}, KvFormat::kF16), 0U);
  EXPECT_EQ(kv_memory_bytes({0, 1, 64, 16, 4}, KvFormat::kF16), 0U);
  EXPECT_EQ(kv_memory_bytes({SIZE_MAX / 4, 1, 64, 16, 4}, KvFormat::kF16), 0U);
  EXPECT_EQ(kv_memory_bytes({60000, 60000, 256, 256, 1U << 30U}, KvFormat::kF16), 0U);
}

}  // namespace
}  // namespace kernels_cuda_test
