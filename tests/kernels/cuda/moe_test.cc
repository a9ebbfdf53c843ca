// What surrounds the experts: the router's choice, places, and the sum of results, against the
// definitions of moe.h restated here.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/cuda/moe.h"
#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

constexpr RouteWeights kAllWeights[] = {RouteWeights::kSoftmaxOfChosen, RouteWeights::kSoftmaxOfAll,
                                        RouteWeights::kSoftmaxOfAllRenormalised};
constexpr std::uint32_t kUnwritten = 0xdeadbeef;

struct Route {
  std::vector<std::uint32_t> chosen;
  std::vector<float> weight;
};

struct RouteRun {
  std::uint32_t experts, k;
  RouteWeights weights;
  std::uint32_t rows_max = 0;  // 0: as many as there are
  std::uint64_t order_seed = 0;
};

Route route(const RouteRun& how, const std::vector<float>& logits) {
  const auto n = static_cast<std::uint32_t>(logits.size() / how.experts);
  const std::uint32_t rows_max = how.rows_max == 0 ? n : how.rows_max;
  const auto device = emulated_device(how.order_seed);
  const OnDevice<float> in(*device, logits);
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{n});
  const OnDevice<std::uint32_t> chosen(*device,
                                       std::vector<std::uint32_t>(rows_max * how.k, kUnwritten));
  const OnDevice<float> weight(*device, std::vector<float>(rows_max * how.k, -77.5F));
  RouteCall call;
  call.logits = in.data();
  call.n = {rows_max, how.rows_max == 0 ? nullptr : count.data()};
  call.experts = how.experts;
  call.k = how.k;
  call.weights = how.weights;
  call.chosen = chosen.data();
  call.weight = weight.data();
  EXPECT_EQ(run_route(*device, emulated_moe_kernels(), call), Status::kOk);
  return {chosen.read(), weight.read()};
}

std::vector<std::uint32_t> best_experts(const float* logits, std::uint32_t experts) {
  std::vector<std::uint32_t> order(experts);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [logits](std::uint32_t a, std::uint32_t b) { return logits[a] > logits[b]; });
  return order;
}

// The weights in the order of operations of moe.h, and in doubles.
struct Weights {
  std::vector<float> bits;
  std::vector<double> exact;
};
Weights weights_of(const RouteRun& how, const float* logits,
                   const std::vector<std::uint32_t>& order) {
  const float largest = logits[order[0]];
  const auto p = [&](std::uint32_t e) { return exp2_fast((logits[e] - largest) * 1.44269504F); };
  float lanes[32] = {};
  double exact_sum = 0;
  for (std::uint32_t e = 0; e < how.experts; ++e) {
    lanes[e % 32] += p(e);
    exact_sum += std::exp(double{logits[e]} - double{largest});
  }
  for (std::size_t width = 1; width < 32; width *= 2)
    for (std::size_t i = 0; i < 32; i += 2 * width) lanes[i] += lanes[i + width];
  Weights w;
  for (std::uint32_t slot = 0; slot < how.k; ++slot) {
    w.bits.push_back(p(order[slot]));
    w.exact.push_back(std::exp(double{logits[order[slot]]} - double{largest}));
  }
  if (how.weights != RouteWeights::kSoftmaxOfChosen) {
    for (float& x : w.bits) x /= lanes[0];
    for (double& x : w.exact) x /= exact_sum;
  }
  if (how.weights != RouteWeights::kSoftmaxOfAll) {
    const float sum = std::accumulate(w.bits.begin(), w.bits.end(), 0.0F);
    const double exact = std::accumulate(w.exact.begin(), w.exact.end(), 0.0);
    for (float& x : w.bits) x /= sum;
    for (double& x : w.exact) x /= exact;
  }
  return w;
}

void expect_routed(const RouteRun& how, const std::vector<float>& logits, const Route& found) {
  for (std::uint32_t row = 0; row * how.experts < logits.size(); ++row) {
    const float* const of = logits.data() + row * how.experts;
    const std::vector<std::uint32_t> order = best_experts(of, how.experts);
    const Weights expected = weights_of(how, of, order);
    for (std::uint32_t slot = 0; slot < how.k; ++slot) {
      const std::size_t at = std::size_t{row} * how.k + slot;
      ASSERT_EQ(found.chosen[at], order[slot]) << "row " << row << " slot " << slot;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found.weight[at]),
                std::bit_cast<std::uint32_t>(expected.bits[slot]))
          << "row " << row << " slot " << slot;
      ASSERT_NEAR(double{found.weight[at]}, expected.exact[slot], 4e-6 * expected.exact[slot]);
    }
  }
}

TEST(Moe, TheBestExpertsAreChosenAndWeighted) {
  for (const std::uint32_t experts : {1U, 4U, 5U, 32U, 33U, 128U, 256U}) {
    for (const std::uint32_t k : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 16U}) {
      if (k > experts) continue;
      for (const RouteWeights weights : kAllWeights) {
        const RouteRun how = {experts, k, weights};
        const std::vector<float> logits = kernels_test::Random(experts).uniforms(9 * experts, 8);
        SCOPED_TRACE(testing::Message() << experts << " experts, " << k << " chosen");
        expect_routed(how, logits, route(how, logits));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Moe, OfEqualLogitsTheLowerExpertIsChosen) {
  kernels_test::Random random(3);
  std::vector<float> logits(6 * 128);
  for (float& x : logits)
    x = std::vector<float>{-1.0F, -0.0F, 0.0F, 1.0F, -INFINITY}[random.below(5)];
  std::fill_n(logits.begin(), 128, 0.25F);
  const RouteRun how = {128, 8, RouteWeights::kSoftmaxOfChosen};
  const Route found = route(how, logits);
  expect_routed(how, logits, found);
  for (std::uint32_t slot = 0; slot < 8; ++slot) {
    EXPECT_EQ(found.chosen[slot], slot);
    EXPECT_EQ(found.weight[slot], 0.125F);
  }
}

TEST(Moe, ARowsChoiceDependsOnNoOtherRowNorOnAnyOrder) {
  for (const RouteWeights weights : kAllWeights) {
    const std::vector<float> logits = kernels_test::Random(5).uniforms(11 * 40, 4);
    const Route all = route({40, 6, weights}, logits);
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const Route other = route({40, 6, weights, 0, seed}, logits);
      EXPECT_EQ(other.chosen, all.chosen);
      EXPECT_EQ(std::memcmp(other.weight.data(), all.weight.data(), 11 * 6 * sizeof(float)), 0);
    }
    for (std::uint32_t row = 0; row < 11; ++row) {
      const auto from = logits.begin() + std::ptrdiff_t{row} * 40;
      const Route alone = route({40, 6, weights}, {from, from + 40});
      EXPECT_TRUE(std::equal(alone.chosen.begin(), alone.chosen.end(), &all.chosen[row * 6]));
      EXPECT_EQ(std::memcmp(alone.weight.data(), &all.weight[row * 6], 6 * sizeof(float)), 0);
    }
  }
}

TEST(Moe, RowsBeyondTheNumberInDeviceMemoryAreNotRouted) {
  const std::vector<float> logits = kernels_test::Random(6).uniforms(5 * 16, 4);
  const RouteRun how = {16, 3, RouteWeights::kSoftmaxOfAll, 12};
  const Route found = route(how, logits);
  expect_routed(how, logits, found);
  for (std::size_t i = 5 * 3; i < 12 * 3; ++i) {
    EXPECT_EQ(found.chosen[i], kUnwritten);
    EXPECT_EQ(found.weight[i], -77.5F);
  }
}

TEST(Moe, NaNAmongLogitsMakesTheRowsWeightsNaNAndLeavesExpertsInRange) {
  for (const RouteWeights weights : kAllWeights) {
    for (const std::uint32_t nans : {1U, 20U}) {
      std::vector<float> logits = kernels_test::Random(7).uniforms(3 * 20, 4);
      const Route clean = route({20, 4, weights}, logits);
      std::fill_n(logits.begin() + 20, nans, -std::numeric_limits<float>::quiet_NaN());
      const Route found = route({20, 4, weights}, logits);
      for (std::uint32_t slot = 0; slot < 4; ++slot) {
        EXPECT_TRUE(std::isnan(found.weight[4 + slot]));
        EXPECT_LT(found.chosen[4 + slot], 20U);
        for (std::uint32_t other = 0; other < slot; ++other)
          EXPECT_NE(found.chosen[4 + slot], found.chosen[4 + other]);
        EXPECT_EQ(found.weight[slot], clean.weight[slot]);
        EXPECT_EQ(found.weight[8 + slot], clean.weight[8 + slot]);
      }
    }
  }
}

struct Groups {
  std::vector<std::uint32_t> first, place;
};
Groups group(const std::vector<std::uint32_t>& chosen, std::uint32_t experts, std::uint32_t k,
             std::uint32_t rows_max, std::uint64_t order_seed) {
  const auto n = static_cast<std::uint32_t>(chosen.size() / k);
  const auto device = emulated_device(order_seed);
  std::vector<std::uint32_t> padded = chosen;
  padded.resize(std::size_t{rows_max} * k, 1);  // nobody's
  const OnDevice<std::uint32_t> in(*device, padded);
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{n});
  const OnDevice<std::uint32_t> first(*device, std::vector<std::uint32_t>(experts + 1, kUnwritten));
  const OnDevice<std::uint32_t> place(*device,
                                      std::vector<std::uint32_t>(padded.size(), kUnwritten));
  GroupCall call;
  call.chosen = in.data();
  call.n = {rows_max, count.data()};
  call.experts = experts;
  call.k = k;
  call.expert_first = first.data();
  call.place = place.data();
  EXPECT_EQ(run_group(*device, emulated_moe_kernels(), call), Status::kOk);
  return {first.read(), place.read()};
}

void expect_grouped(const std::vector<std::uint32_t>& chosen, std::uint32_t experts,
                    std::uint32_t k, std::uint32_t rows_max, std::uint64_t order_seed) {
  const Groups found = group(chosen, experts, k, rows_max, order_seed);
  std::vector<std::uint32_t> place(std::size_t{rows_max} * k, kUnwritten);
  std::uint32_t next = 0;
  for (std::uint32_t e = 0; e < experts; ++e) {
    ASSERT_EQ(found.first[e], next) << e;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (chosen[i] == e) place[i] = next++;
  }
  ASSERT_EQ(found.first[experts], next);
  ASSERT_EQ(found.place, place);
}

TEST(Moe, PlacesAscendByExpertAndThenByRow) {
  for (const std::uint32_t experts : {4U, 32U, 128U}) {
    for (const std::uint32_t k : {1U, 2U, 4U}) {
      for (const std::uint32_t n : {0U, 1U, 2U, 63U, 130U, 300U}) {
        std::vector<std::uint32_t> chosen;
        kernels_test::Random random(experts + k + n);
        for (std::uint32_t row = 0; row < n; ++row) {
          const auto first = static_cast<std::uint32_t>(random.below(experts));
          for (std::uint32_t slot = 0; slot < k; ++slot)
            chosen.push_back((first + slot * (experts / 4)) % experts);
        }
        SCOPED_TRACE(testing::Message() << experts << " experts, " << n << " rows of " << k);
        expect_grouped(chosen, experts, k, n + 5, n % 3);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Moe, AllRowsMayChooseOneExpert) {
  for (const std::uint32_t expert : {0U, 7U, 31U})
    expect_grouped(std::vector<std::uint32_t>(257, expert), 32, 1, 257, 1);
}

TEST(Moe, RowsAreGatheredAndTheirResultsAddedSlotBySlot) {
  constexpr std::uint32_t kRows = 7, kRowsMax = 10, kSlots = 3, kCols = 300, kStride = 304;
  kernels_test::Random random(8);
  std::vector<std::uint32_t> place(kRowsMax * kSlots, 0);
  std::iota(place.begin(), place.begin() + kRows * kSlots, 0U);
  for (std::size_t i = kRows * kSlots - 1; i > 0; --i) std::swap(place[i], place[random.below(i)]);
  std::vector<std::uint16_t> x(kRowsMax * kStride);
  for (std::uint16_t& bits : x) bits = static_cast<std::uint16_t>(random.below(0x7f80));
  const std::vector<float> weight = random.uniforms(kRowsMax * kSlots);
  const std::vector<float> y = random.uniforms(kRowsMax * kSlots * kStride);
  const std::vector<float> residual = random.uniforms(kRowsMax * kStride);
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    const auto device = emulated_device(seed);
    const OnDevice<std::uint32_t> places(*device, place);
    const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{kRows});
    const OnDevice<std::uint16_t> rows(*device, x);
    const OnDevice<std::uint16_t> gathered(*device, std::size_t{kRows * kSlots * kStride});
    const OnDevice<float> weights(*device, weight);
    const OnDevice<float> results(*device, y);
    const OnDevice<float> out(*device, residual);
    const RowCount n = {kRowsMax, count.data()};
    EXPECT_EQ(run_gather(*device, emulated_moe_kernels(),
                         {rows.data(), places.data(), n, kSlots, kStride, gathered.data()}),
              Status::kOk);
    EXPECT_EQ(run_combine(*device, emulated_moe_kernels(),
                          {results.data(), kStride, places.data(), weights.data(), n, kSlots, kCols,
                           out.data(), kStride}),
              Status::kOk);
    const std::vector<std::uint16_t> at_places = gathered.read();
    const std::vector<float> sums = out.read();
    for (std::uint32_t row = 0; row < kRowsMax; ++row) {
      for (std::uint32_t slot = 0; slot < kSlots && row < kRows; ++slot)
        ASSERT_EQ(std::memcmp(&at_places[place[row * kSlots + slot] * kStride], &x[row * kStride],
                              kStride * sizeof x[0]),
                  0)
            << row;
      for (std::uint32_t c = 0; c < kStride; ++c) {
        const auto of = [&](std::uint32_t slot) {
          return y[place[row * kSlots + slot] * kStride + c];
        };
        const float* const w = &weight[row * kSlots];
        const float sum = std::fma(w[2], of(2), std::fma(w[1], of(1), w[0] * of(0)));
        const float before = residual[row * kStride + c];
        ASSERT_EQ(sums[row * kStride + c], row < kRows && c < kCols ? before + sum : before);
      }
    }
  }
}

}  // namespace
}  // namespace kernels::cuda
