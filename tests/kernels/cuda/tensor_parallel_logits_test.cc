// The table and the head are on every device; of the logits each computes some tiles.
#include <gtest/gtest.h>

#include "tests/kernels/cuda/shared_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Matrix;
using kernels_test::Random;

// From one tile, which device 0 computes alone, to as many as do not divide evenly.
TEST(TensorParallelLogits, AreThoseOfOneDevice) {
  for (const auto& [format, fp8] : kSharedCases) {
    for (const std::size_t vocabulary : {50U, 130U, 700U}) {
      SCOPED_TRACE(std::string(format_info(format).name) + " " + std::to_string(vocabulary));
      const Matrix matrix = make_matrix(format, vocabulary, 256, 1);
      expect_same_bits(fp8, [&](Ops& ops) {
        const auto head = load_share(ops, matrix, WeightSplit::kNone);
        const Held<float> x(ops, Random(2).uniforms(20 * 256));
        const Held<float> norm(ops, Random(3).uniforms(256));
        const std::int32_t chosen[] = {7, 2, 19};
        const Held<float> out(ops, 4 * vocabulary);
        EXPECT_EQ(
            ops.logits(x.data(), chosen, 3, {norm.data(), 1e-5F}, *head, out.data() + vocabulary),
            Status::kOk);
        return out.read();
      });
    }
  }
}

// Tiles of some formats are no multiple of 256 bytes: not every one may begin a device's run.
TEST(TensorParallelLogits, BeginWhereKernelsMayRead) {
  std::vector<Matrix> matrices;
  for (const Format format : kernels_test::kFormats)
    matrices.push_back(make_matrix(format, 64 * 9, 256, 1));
  expect_same_bits(false, [&](Ops& ops) {
    std::vector<float> all;
    for (const Matrix& matrix : matrices) {
      const auto head = load_share(ops, matrix, WeightSplit::kNone);
      const Held<float> x(ops, Random(2).uniforms(256));
      const std::int32_t chosen[] = {0};
      const Held<float> out(ops, 64 * 9);
      EXPECT_EQ(ops.logits(x.data(), chosen, 1, {}, *head, out.data()), Status::kOk);
      const std::vector<float> logits = out.read();
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return all;
  });
}

TEST(TensorParallelLogits, AreReadAndDrawnFromAsOneDevices) {
  const auto one = make_one({});
  const auto several = make_shared({.devices = 4});
  const auto run = [](Ops& ops) {
    const Held<float> logits(ops, Random(4).uniforms(3 * 1000, 15.0F));
    std::vector<float> stats(6);
    EXPECT_EQ(ops.logit_stats(logits.data(), 3, 1000, stats.data(), stats.data() + 3), Status::kOk);
    EXPECT_TRUE(ops.samples());
    SampleRow rows[3];
    std::int32_t tokens[3] = {};
    for (std::uint32_t i = 0; i < 3; ++i) rows[i].row = i;
    EXPECT_EQ(ops.sample(logits.data(), 1000, rows, 3, tokens), Status::kOk);
    stats.insert(stats.end(), tokens, tokens + 3);
    return stats;
  };
  EXPECT_TRUE(same_bits(run(*one), run(*several)));
}

TEST(TensorParallelEmbed, GivesEveryDeviceTheRowsOfTheTable) {
  expect_same_bits(false, [](Ops& ops) {
    const auto table = load_share(ops, make_matrix(Format::kQ6_K, 37, 256, 1), WeightSplit::kNone);
    const auto gate = load_share(ops, make_matrix(Format::kQ4_K, 128, 256, 2), WeightSplit::kRows);
    const std::int32_t tokens[] = {0, 16, 5, 36, 15};
    const Held<float> x(ops, 5 * 256);
    EXPECT_EQ(ops.embed(*table, tokens, 5, x.data()), Status::kOk);
    const Held<float> hidden(ops, 5 * 128);
    EXPECT_EQ(ops.norm_gated_mlp(x.data(), 5, {}, *gate, *gate, Activation::kSilu, hidden.data()),
              Status::kOk);
    std::vector<float> all = x.read();
    const std::vector<float> more = read_shared_rows(ops, hidden.data(), 5, 128);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  });
}

}  // namespace
}  // namespace kernels::cuda
