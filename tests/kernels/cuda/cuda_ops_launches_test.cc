// How many launches a layer is: what decode costs beside the weights.
#include <gtest/gtest.h>

#include "tests/kernels/cuda/emulated_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Random;

constexpr std::size_t kDim = 256;
constexpr std::size_t kHeads = 4;
constexpr std::size_t kHeadDim = 64;
constexpr std::size_t kHidden = 512;

// One row's way through a layer, as runtime asks for it.
class Layer {
 public:
  Layer(Ops& ops, Format q, Format v)
      : ops_(ops),
        q_weight_(load_matrix(ops, make_matrix(q, kDim, kDim, 1))),
        k_weight_(load_matrix(ops, make_matrix(q, kDim, kDim, 2))),
        v_weight_(load_matrix(ops, make_matrix(v, kDim, kDim, 3))),
        o_weight_(load_matrix(ops, make_matrix(q, kDim, kDim, 4))),
        gate_(load_matrix(ops, make_matrix(q, kHidden, kDim, 5))),
        up_(load_matrix(ops, make_matrix(q, kHidden, kDim, 6))),
        down_(load_matrix(ops, make_matrix(v, kDim, kHidden, 7))),
        residual_(ops, Random(8).uniforms(kDim)),
        norm_(ops, Random(9).uniforms(kDim)),
        q_(ops, kDim),
        k_(ops, kDim),
        v_(ops, kDim),
        attention_(ops, kDim),
        hidden_(ops, kHidden),
        cos_sin_(ops, kHeadDim),
        numbers_(ops, 2) {
    EXPECT_EQ(ops.create_kv_cache({1, kHeads, kHeadDim, 16, 1}, KvFormat::kF16, &cache_),
              Status::kOk);
  }

  void run() {
    const RmsNorm norm{norm_.data(), 1e-5F};
    const LinearTerm terms[] = {{q_weight_.get(), nullptr, q_.data(), kDim, {}},
                                {k_weight_.get(), nullptr, k_.data(), kDim, {}},
                                {v_weight_.get(), nullptr, v_.data(), kDim, {}}};
    const Rows rows = {1, numbers_.data(), numbers_.data() + 1, numbers_.data() + 1, 1};
    Ops::RopeStore store;
    store.q = q_.data();
    store.k = k_.data();
    store.v = v_.data();
    store.q_stride = store.kv_stride = kDim;
    store.q_heads = kHeads;
    store.rope = {RopePairs::kHalves, kHeadDim, cos_sin_.data()};
    Ops::Attention attention;
    attention.q = q_.data();
    attention.q_stride = attention.out_stride = kDim;
    attention.q_heads = kHeads;
    attention.scale = 0.125F;
    attention.out = attention_.data();
    float* const x = residual_.data();
    EXPECT_EQ(ops_.norm_linear(x, 1, norm, terms, 3), Status::kOk);
    EXPECT_EQ(ops_.rope_store(store, rows, *cache_, 0), Status::kOk);
    EXPECT_EQ(ops_.attention(attention, rows, *cache_, 0), Status::kOk);
    EXPECT_EQ(ops_.linear_residual(attention_.data(), 1, {o_weight_.get(), nullptr, x, kDim, norm}),
              Status::kOk);
    EXPECT_EQ(ops_.norm_gated_mlp(x, 1, norm, *gate_, *up_, Activation::kSilu, hidden_.data()),
              Status::kOk);
    EXPECT_EQ(ops_.linear_residual(hidden_.data(), 1, {down_.get(), nullptr, x, kDim, norm}),
              Status::kOk);
  }

 private:
  Ops& ops_;
  std::unique_ptr<Weight> q_weight_, k_weight_, v_weight_, o_weight_, gate_, up_, down_;
  Held<float> residual_, norm_, q_, k_, v_, attention_, hidden_, cos_sin_;
  Held<std::int32_t> numbers_;  // position 0 of sequence 0, whose table is block 0
  std::unique_ptr<KvCache> cache_;
};

std::uint64_t launches_of_a_layer(Format q, Format v, bool sm90a) {
  std::uint64_t launches = 0;
  const auto ops = make_emulated_ops({.sm90a = sm90a, .launches = &launches});
  Layer layer(*ops, q, v);
  layer.run();  // begins with a norm by itself: nobody has written the row before
  const std::uint64_t before = launches;
  layer.run();
  return launches - before;
}

TEST(CudaLaunches, ALayerIsSix) {
  for (const bool sm90a : {true, false}) {
    EXPECT_EQ(launches_of_a_layer(Format::kBF16, Format::kBF16, sm90a), 6U);
    EXPECT_EQ(launches_of_a_layer(Format::kQ8_0, Format::kQ8_0, sm90a), 6U);
  }
}

TEST(CudaLaunches, ASecondFormatAmongTheFirstThreeMatricesIsOneMore) {
  EXPECT_EQ(launches_of_a_layer(Format::kQ4_K, Format::kQ6_K, true), 7U);
}

}  // namespace
}  // namespace kernels::cuda
