// Whole mixtures of experts: from the router's logits to the residual.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "kernels/cuda/moe.h"
#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/cuda/linear_runner.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

std::unique_ptr<Device> device_of(Family family, std::uint64_t order_seed) {
  return emulated_device(order_seed, family == Family::kMma ? 80 : 90);
}

class MoeMixtureTest : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Families, MoeMixtureTest, testing::ValuesIn(kFamilies),
                         [](const auto& family) {
                           return kFamilyNames[static_cast<int>(family.param)];
                         });

struct Mixture {
  std::uint32_t experts, k;
  Tiles gate, up, down;

  std::uint32_t cols() const { return gate.shape.cols; }
  std::uint32_t hidden() const { return gate.shape.rows / experts; }
};

Mixture make_mixture(std::uint32_t experts, std::uint32_t k) {
  constexpr std::uint32_t kCols = 128, kHidden = 64;
  return {experts, k, make_tiles(TileFormat::kQ8_0, experts * kHidden, kCols, 1),
          make_tiles(TileFormat::kQ8_0, experts * kHidden, kCols, 2),
          make_tiles(TileFormat::kQ4_0, experts * kCols, kHidden, 3)};
}

struct MixtureRun {
  Family family;
  std::uint32_t rows_max = 0;  // 0: as many as there are
  std::uint64_t order_seed = 0;
};

struct Mixed {
  std::vector<std::uint32_t> chosen;
  std::vector<float> weight, out;
};

Mixed mix(const MixtureRun& how, const Mixture& mixture, const std::vector<float>& logits,
          const Activations& x, const std::vector<float>& residual) {
  const auto device = device_of(how.family, how.order_seed);
  const std::uint32_t rows_max = how.rows_max == 0 ? x.n : how.rows_max;
  const std::uint32_t places_max = rows_max * mixture.k;
  const std::uint32_t experts = mixture.experts, k = mixture.k;
  std::vector<float> padded_logits = logits, padded_residual = residual;
  std::vector<std::uint16_t> padded_x = x.values;
  padded_logits.resize(std::size_t{rows_max} * experts, std::nanf(""));
  padded_residual.resize(std::size_t{rows_max} * mixture.cols(), kUntouched);
  padded_x.resize(std::size_t{rows_max} * x.stride, 0x7fc0);
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{x.n});
  const OnDevice<float> router(*device, padded_logits);
  const OnDevice<std::uint16_t> rows(*device, padded_x);
  const OnDevice<float> out(*device, padded_residual);
  const OnDevice<std::uint32_t> chosen(*device, places_max), first(*device, experts + 1),
      place(*device, places_max);
  const OnDevice<float> weight(*device, places_max), y(*device, places_max * mixture.cols());
  const OnDevice<std::uint16_t> gathered(
      *device, std::vector<std::uint16_t>(std::size_t{places_max} * x.stride, 0x7fc0));
  const std::uint32_t hidden_stride = mixture.down.shape.padded_cols();
  const OnDevice<std::uint16_t> hidden(*device, std::size_t{places_max} * hidden_stride);
  const OnDevice<std::uint8_t> gate(*device, mixture.gate.bytes), up(*device, mixture.up.bytes),
      down(*device, mixture.down.bytes);

  const MoeKernels kernels = emulated_moe_kernels();
  const LinearKernels linear = kernels_of(how.family);
  const RowCount n = {rows_max, count.data()};
  const RouteCall route = {
      router.data(), n, experts, k, RouteWeights::kSoftmaxOfAllRenormalised, chosen.data(),
      weight.data()};
  EXPECT_EQ(run_route(*device, kernels, route), Status::kOk);
  const GroupCall group = {chosen.data(), n, experts, k, first.data(), place.data()};
  EXPECT_EQ(run_group(*device, kernels, group), Status::kOk);
  const GatherCall gather = {rows.data(), place.data(), n, k, x.stride, gathered.data()};
  EXPECT_EQ(run_gather(*device, kernels, gather), Status::kOk);

  const LinearMatrix gate_and_up[] = {{mixture.gate.shape, gate.data(), nullptr, nullptr, 0},
                                      {mixture.up.shape, up.data(), nullptr, nullptr, 0}};
  LinearCall call;
  call.mode = LinearMode::kGated;
  call.matrices = gate_and_up;
  call.matrix_count = 2;
  call.x = gathered.data();
  call.x_stride = x.stride;
  call.n = {rows_max, nullptr};
  call.hidden = hidden.data();
  call.hidden_stride = hidden_stride;
  call.experts = experts;
  call.expert_first = first.data();
  call.x_rows = places_max;
  EXPECT_EQ(run_linear(*device, linear, call), Status::kOk);
  const LinearMatrix from_hidden = {mixture.down.shape, down.data(), nullptr, y.data(),
                                    mixture.cols(),     0,           nullptr};
  call.mode = LinearMode::kStore;
  call.matrices = &from_hidden;
  call.matrix_count = 1;
  call.x = hidden.data();
  call.x_stride = hidden_stride;
  EXPECT_EQ(run_linear(*device, linear, call), Status::kOk);

  const CombineCall combine = {y.data(), mixture.cols(), place.data(), weight.data(), n,
                               k,        mixture.cols(), out.data(),   mixture.cols()};
  EXPECT_EQ(run_combine(*device, kernels, combine), Status::kOk);
  return {chosen.read(), weight.read(), out.read()};
}

std::vector<double> product(const Tiles& tiles, std::uint32_t first, std::uint32_t rows,
                            const std::vector<double>& x) {
  std::vector<double> out(rows);
  for (std::uint32_t r = 0; r < rows; ++r)
    for (std::uint32_t c = 0; c < tiles.shape.cols; ++c)
      out[r] += double{tile_element(tiles.shape, tiles.bytes.data(), first + r, c)} * x[c];
  return out;
}

// In doubles, from the choice that route made (moe_test.cc holds it against its definition).
// Hidden values are rounded to bf16, 2^-9 of each; the rest is far below.
void expect_mixed(const Mixture& mixture, const Activations& x, const std::vector<float>& residual,
                  const Mixed& found) {
  for (std::uint32_t row = 0; row < x.n; ++row) {
    std::vector<double> in(x.cols), sum(mixture.cols()), bound(mixture.cols(), 1e-6);
    for (std::uint32_t c = 0; c < x.cols; ++c)
      in[c] = double{from_bf16(x.values[row * x.stride + c])};
    for (std::uint32_t slot = 0; slot < mixture.k; ++slot) {
      const std::uint32_t e = found.chosen[row * mixture.k + slot];
      const double weight = double{found.weight[row * mixture.k + slot]};
      const std::uint32_t width = mixture.hidden();
      std::vector<double> hidden = product(mixture.gate, e * width, width, in);
      const std::vector<double> up = product(mixture.up, e * width, width, in);
      for (std::uint32_t h = 0; h < width; ++h)
        hidden[h] = hidden[h] / (1 + std::exp(-hidden[h])) * up[h];
      for (std::uint32_t c = 0; c < mixture.cols(); ++c) {
        for (std::uint32_t h = 0; h < width; ++h) {
          const double term = weight * hidden[h] *
                              double{tile_element(mixture.down.shape, mixture.down.bytes.data(),
                                                  e * mixture.cols() + c, h)};
          sum[c] += term;
          bound[c] += std::fabs(term) * (0x1p-9 + 0x1p-14);
        }
      }
    }
    for (std::uint32_t c = 0; c < mixture.cols(); ++c) {
      const std::size_t at = row * mixture.cols() + c;
      ASSERT_NEAR(double{found.out[at]}, double{residual[at]} + sum[c],
                  bound[c] + std::fabs(sum[c]) * 0x1p-20)
          << "row " << row << " column " << c;
    }
  }
}

TEST_P(MoeMixtureTest, MixturesAreRight) {
  struct Case {
    std::uint32_t experts, k, rows;
  };
  for (const Case& c : {Case{4, 1, 7}, Case{4, 2, 1}, Case{32, 3, 5}, Case{32, 5, 3},
                        Case{128, 6, 2}, Case{32, 7, 2}, Case{128, 8, 4}, Case{4, 4, 3}}) {
    SCOPED_TRACE(testing::Message() << c.experts << " experts, " << c.k << " of them");
    const Mixture mixture = make_mixture(c.experts, c.k);
    const Activations x = make_activations(c.rows, mixture.gate.shape, 4);
    kernels_test::Random random(5);
    const std::vector<float> logits = random.uniforms(c.rows * c.experts, 3);
    const std::vector<float> residual = random.uniforms(c.rows * mixture.cols());
    expect_mixed(mixture, x, residual, mix({GetParam()}, mixture, logits, x, residual));
    if (HasFatalFailure()) return;
  }
}

// Alone and in company, in any order, in a grid made for more: the same bits. In the last third of
// the rows all choose expert 2 first.
TEST_P(MoeMixtureTest, ARowsBitsDependOnNoOtherRow) {
  constexpr std::uint32_t kRows = 45, kExperts = 32;
  const Mixture mixture = make_mixture(kExperts, 4);
  const Activations x = make_activations(kRows, mixture.gate.shape, 4);
  kernels_test::Random random(6);
  std::vector<float> logits = random.uniforms(kRows * kExperts, 3);
  for (std::uint32_t row = 30; row < kRows; ++row) logits[row * kExperts + 2] = 10;
  const std::vector<float> residual = random.uniforms(kRows * mixture.cols());
  const std::vector<float> all = mix({GetParam()}, mixture, logits, x, residual).out;
  const std::size_t row_bytes = mixture.cols() * sizeof(float);

  const auto part = [&](std::uint32_t first, std::uint32_t count, std::uint32_t rows_max,
                        std::uint64_t seed) {
    const auto cut = [&](const std::vector<float>& of, std::uint32_t width) {
      const auto from = of.begin() + std::ptrdiff_t{first} * width;
      return std::vector<float>(from, from + std::ptrdiff_t{count} * width);
    };
    return mix({GetParam(), rows_max, seed}, mixture, cut(logits, kExperts), x.rows(first, count),
               cut(residual, mixture.cols()))
        .out;
  };
  for (const std::uint32_t row : {0U, 1U, 29U, 30U, 44U})
    EXPECT_EQ(std::memcmp(part(row, 1, 0, row).data(), &all[row * mixture.cols()], row_bytes), 0)
        << row;
  EXPECT_EQ(std::memcmp(part(28, 17, 0, 0).data(), &all[28 * mixture.cols()], 17 * row_bytes), 0);
  for (const std::uint64_t seed : {1U, 2U})
    EXPECT_EQ(std::memcmp(part(0, kRows, 0, seed).data(), all.data(), kRows * row_bytes), 0);

  const std::vector<float> wide = part(5, 6, 70, 3);
  EXPECT_EQ(std::memcmp(wide.data(), &all[5 * mixture.cols()], 6 * row_bytes), 0);
  for (std::size_t i = 6 * mixture.cols(); i < wide.size(); ++i) ASSERT_EQ(wide[i], kUntouched);
}

TEST_P(MoeMixtureTest, NaNStaysInItsRow) {
  const Mixture mixture = make_mixture(4, 2);
  const Activations x = make_activations(6, mixture.gate.shape, 4);
  kernels_test::Random random(7);
  std::vector<float> logits = random.uniforms(6 * 4, 3);
  const std::vector<float> residual = random.uniforms(6 * mixture.cols());
  const std::vector<float> clean = mix({GetParam()}, mixture, logits, x, residual).out;
  logits[3 * 4 + 1] = std::nanf("");
  const std::vector<float> out = mix({GetParam()}, mixture, logits, x, residual).out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i / mixture.cols() == 3)
      ASSERT_TRUE(std::isnan(out[i]));
    else
      ASSERT_EQ(out[i], clean[i]);
  }
}

}  // namespace
}  // namespace kernels::cuda
