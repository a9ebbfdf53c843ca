// How the columns of a matrix are cut when it is shared out: always as those of the whole.
#include <gtest/gtest.h>

#include "tests/kernels/cuda/shared_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Matrix;
using kernels_test::Random;

// Ten stages in four segments: of two, three, two and three.
TEST(TensorParallelSegments, SharesSegmentsOfUnequalSize) {
  const Matrix matrix = make_matrix(Format::kQ8_0, 72, 2560, 1);
  for (const bool sm90a : {true, false}) {
    const auto one = make_one({.sm90a = sm90a});
    const auto several = make_shared({.sm90a = sm90a});
    const auto run = [&](Ops& ops) {
      return add_rows(ops, *load_share(ops, matrix, WeightSplit::kColumns), 3, 72);
    };
    EXPECT_TRUE(same_bits(run(*one), run(*several)));
  }
}

// Half of its rows alone would be cut into two segments, all of them are one.
TEST(TensorParallelSegments, KeepsTheSegmentsOfTheWholeMatrix) {
  constexpr std::size_t kTall = std::size_t{256} * 64;
  const Matrix matrix = make_matrix(Format::kQ4_0, kTall, 1024, 1);
  const auto run = [&](Ops& ops) {
    const auto weight = load_share(ops, matrix, WeightSplit::kRows);
    const Held<float> x(ops, Random(2).uniforms(1024));
    const Held<float> out(ops, kTall);
    EXPECT_EQ(ops.norm_gated_mlp(x.data(), 1, {}, *weight, *weight, Activation::kSilu, out.data()),
              Status::kOk);
    return read_shared_rows(ops, out.data(), 1, kTall);
  };
  const auto one = make_one({});
  const auto several = make_shared({});
  EXPECT_TRUE(same_bits(run(*one), run(*several)));
}

// 255 tiles of rows: exchange memory holds sixteen rows of them.
TEST(TensorParallelSegments, CrossesInTurnsWhereRowsAreLong) {
  constexpr std::size_t kLong = std::size_t{255} * 64;
  const Matrix matrix = make_matrix(Format::kQ4_0, kLong, 1024, 1);
  const auto run = [&](Ops& ops) {
    return add_rows(ops, *load_share(ops, matrix, WeightSplit::kColumns), 17, kLong);
  };
  const auto one = make_one({});
  const auto several = make_shared({});
  EXPECT_TRUE(same_bits(run(*one), run(*several)));
}

}  // namespace
}  // namespace kernels::cuda
