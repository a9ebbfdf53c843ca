// Keys and values into the paged cache and attention over it, on the GPU against the reference and
// against itself.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/gpu/gpu_under_test.h"
#include "tests/kernels/samples.h"

namespace gpu_test {
namespace {

using kernels::KvFormat;
using kernels::Status;
using kernels_test::Random;

class GpuAttention : public GpuTest {};

struct Shape {
  std::size_t q_heads = 8;
  std::size_t kv_heads = 2;
  std::size_t head_dim = 64;
  std::int32_t window = 0;
  KvFormat format = KvFormat::kF16;
  kernels::RopePairs pairs = kernels::RopePairs::kHalves;
  bool head_norms = false;

  std::size_t q_cols() const { return q_heads * head_dim; }
  std::size_t kv_cols() const { return kv_heads * head_dim; }
};

constexpr std::size_t kBlockTokens = 16;

// Two sequences of `length` positions, on one backend.
class Runner {
 public:
  Runner(kernels::Ops& ops, const Shape& shape, std::size_t length)
      : ops_(ops),
        shape_(shape),
        length_(length),
        stride_((length + kBlockTokens - 1) / kBlockTokens) {
    EXPECT_EQ(ops.create_kv_cache({2, shape.kv_heads, shape.head_dim, kBlockTokens, 2 * stride_},
                                  shape.format, &cache_),
              Status::kOk);
    for (std::size_t i = 0; i < 2 * stride_; ++i) {
      tables_.push_back(
          static_cast<std::int32_t>(2 * stride_ - 1 - (i % stride_ * 2 + i / stride_)));
    }
    for (std::uint64_t s = 0; s < 2; ++s) {
      Random random(100 + s);
      q_.push_back(random.uniforms(length * shape.q_cols(), 2.0F));
      k_.push_back(random.uniforms(length * shape.kv_cols(), 2.0F));
      v_.push_back(random.uniforms(length * shape.kv_cols()));
      out_.emplace_back(length * shape.q_cols());
    }
    norms_ = Random(7).uniforms(2 * shape.head_dim);
  }

  struct Run {
    std::size_t sequence, first, count;
  };

  // One call with these runs of rows; their results are kept by position.
  void step(const std::vector<Run>& runs) {
    std::vector<float> q, k, v, cos_sin;
    std::vector<std::int32_t> positions, owners;
    for (const Run& run : runs) {
      for (std::size_t p = run.first; p < run.first + run.count; ++p) {
        append(q_[run.sequence], p, shape_.q_cols(), q);
        append(k_[run.sequence], p, shape_.kv_cols(), k);
        append(v_[run.sequence], p, shape_.kv_cols(), v);
        append_angles(p, cos_sin);
        positions.push_back(static_cast<std::int32_t>(p));
        owners.push_back(static_cast<std::int32_t>(run.sequence));
      }
    }
    const Floats device_q(ops_, q), device_k(ops_, k), device_v(ops_, v),
        device_angles(ops_, cos_sin);
    const Floats q_norm(
        ops_, std::vector<float>(norms_.begin(),
                                 norms_.begin() + static_cast<std::ptrdiff_t>(shape_.head_dim)));
    const Floats k_norm(
        ops_, std::vector<float>(norms_.begin() + static_cast<std::ptrdiff_t>(shape_.head_dim),
                                 norms_.end()));
    const Ints device_positions(ops_, positions), device_owners(ops_, owners),
        device_tables(ops_, tables_);
    const Floats out(ops_, q.size());
    const kernels::Rows rows{positions.size(), device_positions.data(), device_owners.data(),
                             device_tables.data(), stride_};
    kernels::Ops::RopeStore store;
    store.q = device_q.data();
    store.q_stride = shape_.q_cols();
    store.q_heads = shape_.q_heads;
    store.k = device_k.data();
    store.v = device_v.data();
    store.kv_stride = shape_.kv_cols();
    if (shape_.head_norms) {
      store.q_norm = {q_norm.data(), 1e-6F};
      store.k_norm = {k_norm.data(), 1e-6F};
    }
    store.rope = {shape_.pairs, shape_.head_dim, device_angles.data()};
    ASSERT_EQ(ops_.rope_store(store, rows, *cache_, 1), Status::kOk);
    const kernels::Ops::Attention attention{
        device_q.data(), shape_.q_cols(),
        shape_.q_heads,  1.0F / std::sqrt(static_cast<float>(shape_.head_dim)),
        shape_.window,   out.data(),
        shape_.q_cols()};
    ASSERT_EQ(ops_.attention(attention, rows, *cache_, 1), Status::kOk);
    std::vector<float> values(q.size());
    ASSERT_EQ(ops_.read_rows(values.data(), out.data(), positions.size(), shape_.q_cols()),
              Status::kOk);
    std::size_t at = 0;
    for (const Run& run : runs) {
      const std::size_t count = run.count * shape_.q_cols();
      std::memcpy(out_[run.sequence].data() + run.first * shape_.q_cols(), values.data() + at,
                  count * sizeof(float));
      at += count;
    }
  }

  // Both sequences in chunks of `chunk`, side by side or one after the other.
  const std::vector<std::vector<float>>& run_all(std::size_t chunk, bool side_by_side) {
    for (std::size_t at = 0; at < length_; at += chunk) {
      const std::size_t count = std::min(chunk, length_ - at);
      if (side_by_side) {
        step({{0, at, count}, {1, at, count}});
      } else {
        step({{1, at, count}});
        step({{0, at, count}});
      }
    }
    return out_;
  }

 private:
  static void append(const std::vector<float>& from, std::size_t row, std::size_t cols,
                     std::vector<float>& to) {
    to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(row * cols),
              from.begin() + static_cast<std::ptrdiff_t>((row + 1) * cols));
  }
  void append_angles(std::size_t position, std::vector<float>& to) const {
    for (const bool sine : {false, true}) {
      for (std::size_t j = 0; j < shape_.head_dim / 2; ++j) {
        const double angle =
            static_cast<double>(position) *
            std::pow(10000.0, -2.0 * static_cast<double>(j) / static_cast<double>(shape_.head_dim));
        to.push_back(static_cast<float>(sine ? std::sin(angle) : std::cos(angle)));
      }
    }
  }

  kernels::Ops& ops_;
  Shape shape_;
  std::size_t length_;
  std::size_t stride_;
  std::unique_ptr<kernels::KvCache> cache_;
  std::vector<std::int32_t> tables_;
  std::vector<std::vector<float>> q_, k_, v_, out_;
  std::vector<float> norms_;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all{
      {.q_heads = 8, .kv_heads = 2, .head_dim = 64},
      {.q_heads = 4, .kv_heads = 4, .head_dim = 128, .pairs = kernels::RopePairs::kAdjacent},
      {.q_heads = 16, .kv_heads = 2, .head_dim = 128, .window = 40},
      {.q_heads = 8, .kv_heads = 2, .head_dim = 64, .format = KvFormat::kQ8_0},
      {.q_heads = 8, .kv_heads = 2, .head_dim = 128, .format = KvFormat::kQ8_0, .head_norms = true},
  };
  return all;
}

std::string describe(const Shape& shape) {
  return std::to_string(shape.q_heads) + "/" + std::to_string(shape.kv_heads) + " heads of " +
         std::to_string(shape.head_dim) + ", window " + std::to_string(shape.window) +
         (shape.format == KvFormat::kQ8_0 ? ", Q8_0" : ", F16");
}

std::size_t length() {
  return is_short() ? 40 : 600;
}

TEST_F(GpuAttention, IsNearTheReferenceInPromptsAndInDecode) {
  for (const Shape& shape : shapes()) {
    const auto ops = make_ops(test_limits());
    const auto reference = kernels::make_reference_ops(test_limits());
    Runner on_gpu(*ops, shape, length());
    Runner on_reference(*reference, shape, length());
    const auto& actual = on_gpu.run_all(64, true);
    const auto& expected = on_reference.run_all(64, true);
    const double allowed = shape.format == KvFormat::kQ8_0 ? 0.03 : 0.015;
    for (std::size_t s = 0; s < 2; ++s) {
      for (std::size_t i = 0; i < actual[s].size(); ++i) {
        ASSERT_NEAR(actual[s][i], expected[s][i], allowed)
            << describe(shape) << ", sequence " << s << " position " << i / shape.q_cols()
            << " element " << i % shape.q_cols();
      }
    }
  }
}

TEST_F(GpuAttention, GivesTheSameBitsInChunksOfAnySizeAndInAnyCompany) {
  for (const Shape& shape : shapes()) {
    const auto ops = make_ops(test_limits());
    Runner whole(*ops, shape, length());
    const auto expected = whole.run_all(80, false);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
      for (const bool side_by_side : {false, true}) {
        if (is_short() && chunk == 1 && !side_by_side) continue;
        Runner parts(*ops, shape, length());
        const auto& actual = parts.run_all(chunk, side_by_side);
        for (std::size_t s = 0; s < 2; ++s) {
          ASSERT_EQ(0, std::memcmp(actual[s].data(), expected[s].data(),
                                   expected[s].size() * sizeof(float)))
              << describe(shape) << ", chunks of " << chunk
              << (side_by_side ? ", side by side" : ", alone") << ", sequence " << s;
        }
      }
    }
  }
}

}  // namespace
}  // namespace gpu_test
