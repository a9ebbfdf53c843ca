// Rope, the paged cache and attention of every ISA against
// the reference, and bit for bit against themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tests/kernels/samples.h"

namespace kernels_test {
namespace {

// The kernels of AMX share those of AVX-512 here.
std::vector<kernels::CpuIsa> attention_isas() {
  std::vector<kernels::CpuIsa> found = isas();
  std::erase(found, kernels::CpuIsa::kAmx);
  return found;
}

using kernels::KvFormat;
using kernels::RopePairs;
using kernels::Rows;
using kernels::Status;

struct Shape {
  std::size_t q_heads;
  std::size_t kv_heads;
  std::size_t head_dim;
  std::size_t block_tokens = 16;
  std::int32_t window = 0;
  KvFormat format = KvFormat::kF16;
  RopePairs pairs = RopePairs::kHalves;
  bool head_norms = false;
};

// Queries, keys and values of one whole sequence, and its angles.
struct Sequence {
  Sequence(const Shape& made_for, std::size_t length, std::uint64_t seed)
      : shape(made_for), tokens(length) {
    Random random(seed);
    q = random.uniforms(tokens * shape.q_heads * shape.head_dim, 2.0F);
    k = random.uniforms(tokens * shape.kv_heads * shape.head_dim, 2.0F);
    v = random.uniforms(tokens * shape.kv_heads * shape.head_dim);
    q_norm = random.uniforms(shape.head_dim);
    k_norm = random.uniforms(shape.head_dim);
    rope_dims = shape.head_dim >= 64 ? shape.head_dim - 16 : shape.head_dim;
    for (std::size_t p = 0; p < tokens; ++p) {
      for (std::size_t part = 0; part < 2; ++part) {
        for (std::size_t j = 0; j < rope_dims / 2; ++j) {
          const double angle =
              static_cast<double>(p) *
              std::pow(10000.0, -2.0 * static_cast<double>(j) / static_cast<double>(rope_dims));
          cos_sin.push_back(static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
        }
      }
    }
  }

  Shape shape;
  std::size_t tokens;
  std::size_t rope_dims = 0;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  std::vector<float> q_norm;
  std::vector<float> k_norm;
  std::vector<float> cos_sin;
};

// Stores and attends the rows of one or more sequences
// through one backend. Sequence s owns every third block.
class Runner {
 public:
  Runner(kernels::Ops& ops, const std::vector<Sequence>& sequences)
      : ops_(ops), sequences_(sequences), shape_(sequences[0].shape) {
    std::size_t longest = 0;
    for (const Sequence& sequence : sequences) longest = std::max(longest, sequence.tokens);
    table_stride_ = (longest + shape_.block_tokens - 1) / shape_.block_tokens;
    const std::size_t blocks = table_stride_ * sequences.size();
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      for (std::size_t b = 0; b < table_stride_; ++b) {
        tables_.push_back(static_cast<std::int32_t>(blocks - 1 - (b * sequences.size() + s)));
      }
    }
    EXPECT_EQ(
        ops.create_kv_cache({2, shape_.kv_heads, shape_.head_dim, shape_.block_tokens, blocks},
                            shape_.format, &cache_),
        Status::kOk);
    for (const Sequence& sequence : sequences) out_.emplace_back(sequence.q.size(), -9.0F);
  }

  struct Run {
    std::size_t sequence;
    std::size_t first;
    std::size_t count;
  };

  // One call with these runs of rows.
  void step(const std::vector<Run>& runs) {
    const std::size_t q_cols = shape_.q_heads * shape_.head_dim;
    const std::size_t kv_cols = shape_.kv_heads * shape_.head_dim;
    std::vector<float> q, k, v, cos_sin;
    std::vector<std::int32_t> positions, owners;
    for (const Run& run : runs) {
      const Sequence& from = sequences_[run.sequence];
      for (std::size_t p = run.first; p < run.first + run.count; ++p) {
        append(from.q, p, q_cols, &q);
        append(from.k, p, kv_cols, &k);
        append(from.v, p, kv_cols, &v);
        append(from.cos_sin, p, from.rope_dims, &cos_sin);
        positions.push_back(static_cast<std::int32_t>(p));
        owners.push_back(static_cast<std::int32_t>(run.sequence));
      }
    }
    const Rows rows{positions.size(), positions.data(), owners.data(), tables_.data(),
                    table_stride_};
    kernels::Ops::RopeStore store{};
    store.q = q.data();
    store.q_stride = q_cols;
    store.q_heads = shape_.q_heads;
    store.k = k.data();
    store.v = v.data();
    store.kv_stride = kv_cols;
    if (shape_.head_norms) {
      store.q_norm = {sequences_[0].q_norm.data(), 1e-6F};
      store.k_norm = {sequences_[0].k_norm.data(), 1e-6F};
    }
    store.rope = {shape_.pairs, sequences_[0].rope_dims, cos_sin.data()};
    ASSERT_EQ(ops_.rope_store(store, rows, *cache_, 1), Status::kOk);
    std::vector<float> out(q.size(), -9.0F);
    const float scale = 1.0F / std::sqrt(static_cast<float>(shape_.head_dim));
    const kernels::Ops::Attention attention{q.data(),      q_cols,     shape_.q_heads, scale,
                                            shape_.window, out.data(), q_cols};
    ASSERT_EQ(ops_.attention(attention, rows, *cache_, 1), Status::kOk);
    std::size_t at = 0;
    for (const Run& run : runs) {
      std::memcpy(out_[run.sequence].data() + run.first * q_cols, out.data() + at,
                  run.count * q_cols * sizeof(float));
      at += run.count * q_cols;
    }
  }

  // The whole of sequence 0: its first `head` tokens in calls of 64 rows, the
  // others in calls of `chunk`.
  std::vector<float> in_chunks(std::size_t chunk, std::size_t head = 0) {
    for (std::size_t first = 0; first < sequences_[0].tokens;) {
      const std::size_t end = first < head ? head : sequences_[0].tokens;
      const std::size_t count = std::min(first < head ? 64 : chunk, end - first);
      step({{0, first, count}});
      first += count;
    }
    return out_[0];
  }

  const std::vector<float>& out(std::size_t sequence) const { return out_[sequence]; }
  kernels::KvCache& cache() { return *cache_; }
  std::vector<std::int32_t>& tables() { return tables_; }

 private:
  static void append(const std::vector<float>& from, std::size_t row, std::size_t cols,
                     std::vector<float>* to) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(row * cols);
    to->insert(to->end(), begin, begin + static_cast<std::ptrdiff_t>(cols));
  }

  kernels::Ops& ops_;
  const std::vector<Sequence>& sequences_;
  Shape shape_;
  std::size_t table_stride_ = 0;
  std::vector<std::int32_t> tables_;
  std::unique_ptr<kernels::KvCache> cache_;
  std::vector<std::vector<float>> out_;
};

std::string describe(const Shape& s, std::size_t tokens) {
  return std::to_string(s.q_heads) + "/" + std::to_string(s.kv_heads) + " heads of " +
         std::to_string(s.head_dim) + ", window " + std::to_string(s.window) + ", " +
         std::to_string(tokens) + " tokens, block " + std::to_string(s.block_tokens);
}

constexpr KvFormat kKvFormats[] = {KvFormat::kF32, KvFormat::kF16, KvFormat::kQ8_0};

// Values are within [-1, 1), so the tolerance is absolute. With an F16 cache a
// rotated key may round to the other neighbour than the reference's does: half
// a unit in the eleventh bit of one key element moves a score by less than
// 1e-3. With Q8_0 a key's code may, by a whole step, which is up to 1/45 for
// these keys, and moves a score by up to 0.011 (kernels/NUMERICS.md, section
// 7).
float tolerance(KvFormat format) {
  if (format == KvFormat::kQ8_0) return 6e-3F;
  return format == KvFormat::kF16 ? 1e-3F : 2e-5F;
}

void expect_near_reference(const Shape& shape, std::size_t tokens) {
  const std::vector<Sequence> sequences = {Sequence(shape, tokens, tokens + shape.head_dim)};
  const auto reference = kernels::make_reference_ops(test_limits());
  const std::vector<float> expected = Runner(*reference, sequences).in_chunks(tokens);
  for (const auto isa : attention_isas()) {
    const auto ops = make_ops(isa, 2);
    const std::vector<float> actual = Runner(*ops, sequences).in_chunks(61);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      ASSERT_NEAR(actual[i], expected[i], tolerance(shape.format))
          << ops->name() << " " << describe(shape, tokens) << " element " << i;
    }
  }
}

TEST(Attention, IsNearTheReferenceForEveryHeadShape) {
  for (const std::size_t head_dim : {32U, 64U, 80U, 96U, 128U}) {
    for (const auto& [q_heads, kv_heads] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {7, 1}, {3, 3}, {18, 1}}) {
      for (const auto format : kKvFormats) {
        expect_near_reference({q_heads, kv_heads, head_dim, 16, 0, format}, 40);
      }
    }
  }
}

TEST(Attention, TakesHeadsThatAreNoMultipleOfTheVector) {
  expect_near_reference({4, 2, 20, 16, 0, KvFormat::kF32}, 30);
  expect_near_reference({2, 2, 72, 16, 0, KvFormat::kF16}, 30);
  expect_near_reference({4, 2, 20, 16, 0, KvFormat::kQ8_0}, 30);
  expect_near_reference({6, 2, 72, 32, 0, KvFormat::kQ8_0}, 30);
}

TEST(Attention, IsNearTheReferenceOverSeveralSplitsAndWindows) {
  for (const std::int32_t window : {0, 1, 17, 256, 300}) {
    expect_near_reference({4, 2, 32, 32, window, KvFormat::kF32}, 520);
  }
}

TEST(Attention, IsNearTheReferenceForBothRopesWithAndWithoutHeadNorms) {
  for (const auto pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
    for (const bool norms : {false, true}) {
      for (const std::size_t block : {16U, 64U, 256U}) {
        expect_near_reference({6, 2, 64, block, 0, KvFormat::kF32, pairs, norms}, 70);
      }
    }
  }
}

TEST(Attention, GivesTheSameBitsHoweverAPromptIsCutAndOnAnyNumberOfThreads) {
  for (const auto isa : attention_isas()) {
    for (const Shape& shape :
         {Shape{7, 1, 64}, Shape{4, 4, 80, 32, 100}, Shape{4, 2, 128, 64, 0, KvFormat::kF32},
          Shape{14, 2, 64, 32, 0, KvFormat::kQ8_0}}) {
      const std::vector<Sequence> sequences = {Sequence(shape, 270, 3)};
      const auto one = make_ops(isa, 1);
      const std::vector<float> whole = Runner(*one, sequences).in_chunks(64);
      for (const std::size_t threads : {1U, 2U, 3U}) {
        const auto ops = make_ops(isa, threads);
        for (const std::size_t chunk : {1U, 33U}) {
          const std::vector<float> out =
              Runner(*ops, sequences).in_chunks(chunk, chunk == 1 ? 245 : 0);
          ASSERT_EQ(0, std::memcmp(out.data(), whole.data(), out.size() * sizeof(float)))
              << ops->name() << " " << describe(shape, 270) << " chunk " << chunk << " threads "
              << threads;
        }
      }
    }
  }
}

TEST(Attention, GivesTheSameBitsOnEveryInstructionSet) {
  for (const auto format : kKvFormats) {
    const std::vector<Sequence> sequences = {
        Sequence({6, 2, 80, 16, 0, format, RopePairs::kAdjacent, true}, 300, 8)};
    const auto plain = make_ops(kernels::CpuIsa::kPlain, 1);
    const std::vector<float> expected = Runner(*plain, sequences).in_chunks(60);
    for (const auto isa : attention_isas()) {
      const auto ops = make_ops(isa, 2);
      const std::vector<float> actual = Runner(*ops, sequences).in_chunks(60);
      EXPECT_EQ(0, std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)))
          << ops->name() << " " << describe(sequences[0].shape, 300);
    }
  }
}

// A step of Q8_0 is 1/127 of the largest of 32 elements, so an element is off
// by at most 1/254 of it: that bounds a value's error, and a score's by the sum
// of |q| times it.
TEST(Attention, IsNearExactWithAQ8Cache) {
  for (const std::size_t head_dim : {64U, 72U}) {
    Shape shape{4, 2, head_dim, 16, 0, KvFormat::kF32};
    const auto reference = kernels::make_reference_ops(test_limits());
    const std::vector<Sequence> exact = {Sequence(shape, 90, 5)};
    const std::vector<float> expected = Runner(*reference, exact).in_chunks(90);
    shape.format = KvFormat::kQ8_0;
    const std::vector<Sequence> rounded = {Sequence(shape, 90, 5)};
    for (const auto isa : attention_isas()) {
      const auto ops = make_ops(isa, 1);
      const std::vector<float> actual = Runner(*ops, rounded).in_chunks(64);
      double squares = 0;
      for (std::size_t i = 0; i < actual.size(); ++i) {
        const double error = static_cast<double>(actual[i]) - static_cast<double>(expected[i]);
        squares += error * error;
        ASSERT_LE(std::fabs(error), 0.03) << ops->name() << " element " << i;
      }
      EXPECT_LE(std::sqrt(squares / static_cast<double>(actual.size())), 0.003) << ops->name();
    }
  }
}

// The last 32 dimensions may be fewer, and a position takes a code per
// dimension and two bytes per 32, in whole cache lines per 16 positions.
TEST(KvCache, TakesAboutHalfTheBytesInQ8) {
  const auto ops = make_ops(kernels::CpuIsa::kPlain, 1);
  const auto bytes = [&](std::size_t head_dim, KvFormat format) {
    return ops->kv_cache_bytes({3, 2, head_dim, 32, 5}, format);
  };
  const std::size_t positions = 2 * 3 * 2 * 32 * 5;
  EXPECT_EQ(bytes(64, KvFormat::kF32), positions * 64 * 4);
  EXPECT_EQ(bytes(64, KvFormat::kF16), positions * 64 * 2);
  EXPECT_EQ(bytes(64, KvFormat::kQ8_0), positions * (64 + 2 * 2));
  EXPECT_EQ(bytes(80, KvFormat::kQ8_0), positions / 16 * (16 * (80 + 3 * 2) + 32));
}

TEST(Attention, GivesASequenceTheSameBitsAloneAndInABatch) {
  const Shape shape{4, 2, 64};
  std::vector<Sequence> sequences;
  for (std::size_t s = 0; s < 8; ++s) sequences.emplace_back(shape, 20 + 38 * s, s + 1);
  for (const auto isa : attention_isas()) {
    const auto ops = make_ops(isa, 2);
    Runner together(*ops, sequences);
    std::vector<std::size_t> done(8);
    for (bool more = true; more;) {
      std::vector<Runner::Run> runs;
      for (std::size_t s = 0; s < 8; ++s) {
        const std::size_t count = std::min<std::size_t>(1 + s, sequences[s].tokens - done[s]);
        if (count > 0) runs.push_back({s, done[s], count});
        done[s] += count;
      }
      more = !runs.empty();
      if (more) together.step(runs);
    }
    for (std::size_t s = 0; s < 8; ++s) {
      const std::vector<Sequence> alone = {sequences[s]};
      EXPECT_EQ(Runner(*ops, alone).in_chunks(64), together.out(s))
          << ops->name() << " sequence " << s;
    }
  }
}

// A later token's NaN, in the same tile and in the same 16
// positions, must not reach the rows before it.
TEST(Attention, KeepsTheNanOfALaterRowToItself) {
  for (const auto isa : attention_isas()) {
    for (const auto format : kKvFormats) {
      const Shape shape{2, 1, 32, 16, 0, format};
      std::vector<Sequence> sequences = {Sequence(shape, 12, 1)};
      const auto ops = make_ops(isa, 1);
      const std::vector<float> clean = Runner(*ops, sequences).in_chunks(12);
      std::vector<Sequence> poisoned = sequences;
      for (float& value : std::vector<std::reference_wrapper<float>>{poisoned[0].v[11 * 32 + 3],
                                                                     poisoned[0].k[11 * 32 + 3]}) {
        value = std::nanf("");
      }
      const std::vector<float> out = Runner(*ops, poisoned).in_chunks(12);
      EXPECT_EQ(0, std::memcmp(out.data(), clean.data(), 11 * 64 * sizeof(float))) << ops->name();
      EXPECT_TRUE(std::isnan(out[11 * 64 + 3])) << ops->name();
    }
  }
}

TEST(KvCache, CopiesABlockInEveryLayer) {
  for (const auto isa : attention_isas()) {
    for (const auto format : kKvFormats) {
      const Shape shape{2, 1, 32, 16, 0, format};
      const std::vector<Sequence> sequences = {Sequence(shape, 40, 1), Sequence(shape, 40, 2)};
      const auto ops = make_ops(isa, 1);
      Runner runner(*ops, sequences);
      runner.step({{0, 0, 40}});
      // Sequence 1 continues sequence 0 from position 39 on: its blocks 0, 1
      // and 2 are copies.
      for (std::size_t b = 0; b < 3; ++b) {
        ASSERT_EQ(ops->kv_copy_block(runner.cache(), runner.tables()[b], runner.tables()[3 + b]),
                  Status::kOk);
      }
      runner.step({{1, 39, 1}});
      Runner changed(*ops, sequences);
      changed.step({{0, 0, 39}});
      changed.tables()[3] = changed.tables()[0];
      changed.tables()[4] = changed.tables()[1];
      changed.tables()[5] = changed.tables()[2];
      changed.step({{1, 39, 1}});
      EXPECT_EQ(0,
                std::memcmp(runner.out(1).data() + 39 * 64, changed.out(1).data() + 39 * 64, 256))
          << ops->name();
    }
  }
}

TEST(KvCache, RefusesShapesOutsideTheContract) {
  for (const auto isa : attention_isas()) {
    const auto ops = make_ops(isa, 1);
    std::unique_ptr<kernels::KvCache> cache;
    EXPECT_EQ(ops->create_kv_cache({1, 1, 64, 24, 4}, KvFormat::kF16, &cache),
              Status::kUnsupported);
    EXPECT_EQ(ops->create_kv_cache({1, 1, 64, 512, 4}, KvFormat::kF16, &cache),
              Status::kUnsupported);
    EXPECT_EQ(ops->create_kv_cache({1, 1, 256, 16, 4}, KvFormat::kF16, &cache),
              Status::kUnsupported)
        << "past head_dim_max";
    EXPECT_EQ(ops->create_kv_cache({SIZE_MAX / 4, 1, 64, 16, 4}, KvFormat::kF16, &cache),
              Status::kUnsupported);
    EXPECT_EQ(cache, nullptr);
  }
}

}  // namespace
}  // namespace kernels_test
