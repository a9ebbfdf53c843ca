#include "runtime/model/layer_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace runtime {
namespace {

using testing::HasSubstr;

std::vector<std::size_t> counts(const std::vector<std::uint64_t>& layers,
                                const std::vector<StageBudget>& stages) {
  const auto cuts = split_layers(layers, stages);
  EXPECT_TRUE(cuts.ok()) << cuts.error().message;
  std::vector<std::size_t> counts;
  if (!cuts.ok()) return counts;
  std::size_t next = 0;
  for (const StageLayers& stage : cuts.value()) {
    EXPECT_EQ(stage.first, next);
    EXPECT_EQ(stage.of, layers.size());
    next += stage.count;
    counts.push_back(stage.count);
  }
  EXPECT_EQ(next, layers.size());
  return counts;
}

const std::vector<std::uint64_t> kEight(8, 100);

TEST(LayerSplit, EqualBackendsHaveEqualShares) {
  EXPECT_THAT(counts(kEight, {{}, {}}), testing::ElementsAre(4, 4));
  EXPECT_THAT(counts(kEight, {{800, 0}, {800, 0}, {800, 0}, {800, 0}}),
              testing::ElementsAre(2, 2, 2, 2));
}

TEST(LayerSplit, ALargerBackendHasMore) {
  EXPECT_THAT(counts(kEight, {{600, 0}, {200, 0}}), testing::ElementsAre(6, 2));
  EXPECT_THAT(counts(kEight, {{200, 0}, {600, 0}}), testing::ElementsAre(2, 6));
}

TEST(LayerSplit, WhatAStageHoldsBesideItsLayersCounts) {
  // The last holds a head as large as two layers.
  EXPECT_THAT(counts(kEight, {{0, 0}, {0, 200}}), testing::ElementsAre(5, 3));
  EXPECT_THAT(counts(kEight, {{600, 0}, {600, 200}}), testing::ElementsAre(5, 3));
}

TEST(LayerSplit, LayersNeedNotBeOfOneSize) {
  EXPECT_THAT(counts({500, 100, 100, 100, 100}, {{}, {}}), testing::ElementsAre(1, 4));
}

TEST(LayerSplit, FitsExactlyOrNotAtAll) {
  EXPECT_THAT(counts(kEight, {{500, 0}, {300, 0}}), testing::ElementsAre(5, 3));
  const std::vector<StageBudget> less = {{499, 0}, {300, 0}};
  const auto refused = split_layers(kEight, less);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("does not fit on 2 backends"));
}

TEST(LayerSplit, EveryStageHasALayer) {
  EXPECT_THAT(counts({100, 100, 100}, {{10'000, 0}, {150, 0}, {150, 0}}),
              testing::ElementsAre(1, 1, 1));
  const std::vector<StageBudget> many(4);
  const auto refused = split_layers(std::vector<std::uint64_t>(3, 1), many);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kInvalidInput);
  EXPECT_FALSE(split_layers(kEight, {}).ok());
}

TEST(LayerSplit, EndsHoldWhatIsNoLayers) {
  const StageLayers first{0, 2, 4}, last{2, 2, 4}, all{0, 4, 4};
  const auto tensor = [](TensorRole role, std::size_t layer) {
    return TensorSpec{"", role, layer, 1, 1, false};
  };
  EXPECT_TRUE(first.holds(tensor(TensorRole::kTokenEmbedding, 0), false));
  EXPECT_FALSE(last.holds(tensor(TensorRole::kTokenEmbedding, 0), false));
  EXPECT_TRUE(last.holds(tensor(TensorRole::kTokenEmbedding, 0), true));
  EXPECT_FALSE(first.holds(tensor(TensorRole::kOutputNorm, 0), true));
  EXPECT_TRUE(last.holds(tensor(TensorRole::kOutput, 0), false));
  EXPECT_TRUE(first.holds(tensor(TensorRole::kMlpUp, 1), false));
  EXPECT_FALSE(first.holds(tensor(TensorRole::kMlpUp, 2), false));
  EXPECT_TRUE(last.holds(tensor(TensorRole::kMlpUp, 2), false));
  for (const TensorRole role : {TensorRole::kTokenEmbedding, TensorRole::kOutput,
                                TensorRole::kRopeDivisors, TensorRole::kQuery}) {
    EXPECT_TRUE(all.holds(tensor(role, 0), false));
  }
}

}  // namespace
}  // namespace runtime
