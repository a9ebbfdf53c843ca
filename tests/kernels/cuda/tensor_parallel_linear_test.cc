// Matrices that several devices share: the bits of one device that has all of it.
#include <gtest/gtest.h>

#include "tests/kernels/cuda/shared_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Matrix;
using kernels_test::Random;

constexpr std::size_t kRowCounts[] = {1, 3, 17};

void append(const std::vector<float>& more, std::vector<float>* all) {
  all->insert(all->end(), more.begin(), more.end());
}

TEST(TensorParallelLinear, AddsAMatrixThatIsSharedByColumnsAsOneDeviceDoes) {
  for (const auto& [format, fp8] : kSharedCases) {
    SCOPED_TRACE(format_info(format).name);
    const Matrix matrix = make_matrix(format, 72, 2048, 1);
    expect_same_bits(fp8, [&](Ops& ops) {
      const auto weight = load_share(ops, matrix, WeightSplit::kColumns);
      std::vector<float> all;
      for (const std::size_t n : kRowCounts) append(add_rows(ops, *weight, n, 80), &all);
      return all;
    });
  }
}

// Rows of the two matrices are shared out, and so the rows that come of them: 132 and 66 rows, no
// whole tiles.
TEST(TensorParallelLinear, GatesWithMatricesThatAreSharedByRowsAsOneDeviceDoes) {
  for (const auto& [format, fp8] : kSharedCases) {
    SCOPED_TRACE(format_info(format).name);
    const Matrix matrices[] = {make_matrix(format, 264, 1024, 1), make_matrix(format, 264, 1024, 2),
                               make_matrix(Format::kQ4_0, 264, 1024, 3)};
    expect_same_bits(fp8, [&](Ops& ops) {
      std::unique_ptr<Weight> weights[3];
      for (std::size_t i = 0; i < 3; ++i)
        weights[i] = load_share(ops, matrices[i], WeightSplit::kRows);
      const Held<float> norm(ops, Random(4).uniforms(1024));
      std::vector<float> all;
      for (const std::size_t n : kRowCounts) {
        const Held<float> x(ops, Random(3).uniforms(n * 1024));
        const Held<float> out(ops, n * 264);
        for (const std::size_t up : {1U, 2U}) {
          if (up == 2 && n != 3) continue;
          EXPECT_EQ(ops.norm_gated_mlp(x.data(), n, {norm.data(), 1e-5F}, *weights[0], *weights[up],
                                       Activation::kSilu, out.data()),
                    Status::kOk);
          append(read_shared_rows(ops, out.data(), n, 264), &all);
        }
      }
      return all;
    });
  }
}

// Whole on every device; each writes where it is told, and nowhere else.
TEST(TensorParallelLinear, LeavesAMatrixThatIsNotSharedToEveryDevice) {
  expect_same_bits(false, [](Ops& ops) {
    const auto first = load_share(ops, make_matrix(Format::kQ8_0, 70, 512, 1), WeightSplit::kNone);
    const auto second = load_share(ops, make_matrix(Format::kBF16, 40, 512, 2), WeightSplit::kNone);
    const Held<float> x(ops, Random(3).uniforms(5 * 512));
    const Held<float> bias(ops, Random(4).uniforms(200));
    const Held<float> out(ops, 6 * 120);
    const LinearTerm terms[] = {{first.get(), bias.data() + 100, out.data() + 120, 120, {}},
                                {second.get(), nullptr, out.data() + 120 + 75, 120, {}}};
    EXPECT_EQ(ops.norm_linear(x.data(), 5, {}, terms, 2), Status::kOk);
    EXPECT_EQ(ops.linear_residual(x.data(), 5, {first.get(), bias.data(), out.data(), 120, {}}),
              Status::kOk);
    return out.read();
  });
}

// Device 0 has the sums of all, and so has every other: what they make of them together is what one
// device makes. With the next norm known, and not; in the middle of a buffer.
TEST(TensorParallelLinear, GivesEveryDeviceTheSameRows) {
  const Matrix wide = make_matrix(Format::kQ8_0, 256, 2048, 1);
  const Matrix tall = make_matrix(Format::kQ4_K, 512, 256, 2);
  for (const bool next_known : {true, false}) {
    expect_same_bits(false, [&](Ops& ops) {
      const auto out = load_share(ops, wide, WeightSplit::kColumns);
      const auto gate = load_share(ops, tall, WeightSplit::kRows);
      const Held<float> rows(ops, 9 * 2048);
      EXPECT_EQ(ops.write_rows(rows.data(), Random(4).uniforms(9 * 2048).data(), 9, 2048),
                Status::kOk);
      const Held<float> residual(ops, Random(5).uniforms(9 * 256));
      const Held<float> norms(ops, Random(6).uniforms(512));
      const RmsNorm norm{norms.data() + 256, 1e-5F};
      LinearTerm term{out.get(), nullptr, residual.data() + 2 * 256, 256, {}};
      if (next_known) term.next = norm;
      EXPECT_EQ(ops.linear_residual(rows.data() + 2 * 2048, 7, term), Status::kOk);
      const Held<float> hidden(ops, 9 * 512);
      EXPECT_EQ(ops.norm_gated_mlp(residual.data() + 2 * 256, 7, norm, *gate, *gate,
                                   Activation::kSilu, hidden.data() + 512),
                Status::kOk);
      return read_shared_rows(ops, hidden.data() + 512, 7, 512);
    });
  }
}

}  // namespace
}  // namespace kernels::cuda
