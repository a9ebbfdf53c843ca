#include "runtime/engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "runtime/engine/philox.h"

namespace runtime {
namespace {

TokenId sample(Sampler& sampler, const std::vector<float>& logits, const SamplingParams& params,
               std::uint32_t position = 0, const TokenHistory* history = nullptr) {
  const auto token = sampler.sample({logits, params, history, {}, 0, position});
  EXPECT_TRUE(token.ok()) << token.error().message;
  return token.ok() ? token.value() : kNoToken;
}

// The definition in sampler.h by sorting everything. Returns the tokens that may be drawn, with
// their weights, by ascending id.
std::vector<std::pair<TokenId, TokenWeight>> keep_by_sorting(const std::vector<float>& logits,
                                                             const SamplingParams& params) {
  std::vector<TokenId> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto logit = [&logits](TokenId token) { return logits[static_cast<std::size_t>(token)]; };
  std::ranges::stable_sort(order, [&](TokenId a, TokenId b) { return logit(a) > logit(b); });
  if (params.top_k > 0)
    order.resize(std::min(order.size(), static_cast<std::size_t>(params.top_k)));
  const double max = static_cast<double>(logit(order[0]));
  std::vector<std::pair<TokenId, TokenWeight>> kept;
  TokenWeight total = 0;
  for (const TokenId token : order) {
    const double x =
        (max - static_cast<double>(logit(token))) * (1.0 / static_cast<double>(params.temperature));
    kept.emplace_back(token, token_weight(x));
    total += kept.back().second;
  }
  TokenWeight sum = 0;
  std::size_t count = 0;
  const double share = std::ceil(static_cast<double>(params.top_p) * static_cast<double>(total));
  const TokenWeight target = std::clamp<TokenWeight>(static_cast<TokenWeight>(share), 1, total);
  while (params.top_p < 1 && sum < target) sum += kept[count++].second;
  if (params.top_p < 1) kept.resize(count);
  std::erase_if(kept, [&params](const auto& entry) {
    return static_cast<double>(entry.second) < static_cast<double>(params.min_p) * 0x1p42;
  });
  std::ranges::sort(kept);
  return kept;
}

TokenId draw_by_sorting(const std::vector<float>& logits, const SamplingParams& params,
                        std::uint32_t position) {
  const auto kept = keep_by_sorting(logits, params);
  TokenWeight total = 0;
  for (const auto& entry : kept) total += entry.second;
  __extension__ using Wide = unsigned __int128;
  auto rest = static_cast<TokenWeight>((Wide{random_bits(params.seed, 0, position)} * total) >> 64);
  for (const auto& [token, weight] : kept) {
    if (rest < weight) return token;
    rest -= weight;
  }
  return kNoToken;
}

TEST(Sampler, AgreesWithSortingTheWholeVocabulary) {
  std::mt19937_64 generator(1);
  std::vector<TokenId> wrong;
  for (int round = 0; round < 1500; ++round) {
    const std::size_t vocabulary = 1 + generator() % 300;
    Sampler sampler(vocabulary);
    // Coarse steps make ties; a wide range makes weights of zero.
    const float step = std::array<float, 4>{2.0F, 0.5F, 0.01F, 0x1p-20F}[generator() % 4];
    const float range = std::array<float, 3>{1.0F, 10.0F, 60.0F}[generator() % 3];
    std::vector<float> logits(vocabulary);
    for (float& logit : logits) {
      logit = (static_cast<float>(generator() % 10'000) / 5000.0F - 1.0F) * range;
      logit = std::round(logit / step) * step;
    }
    SamplingParams params;
    params.seed = generator();
    params.temperature = std::array<float, 4>{0.01F, 0.7F, 1.0F, 50.0F}[generator() % 4];
    params.top_k = static_cast<std::int32_t>(generator() % 3 == 0 ? generator() % 350 : 0);
    params.top_p = static_cast<float>(generator() % 101) / 100.0F;
    params.min_p = generator() % 2 == 0 ? static_cast<float>(generator() % 101) / 100.0F : 0.0F;
    for (std::uint32_t position = 0; position < 5; ++position) {
      ASSERT_EQ(sample(sampler, logits, params, position),
                draw_by_sorting(logits, params, position))
          << "round " << round;
    }
  }
}

TEST(Sampler, AgreesWithSortingAVocabularyOfManyBlocks) {
  std::mt19937_64 generator(2);
  constexpr std::size_t kVocabulary = 5003;  // the last block is short
  Sampler sampler(kVocabulary);
  for (int round = 0; round < 200; ++round) {
    const float width = std::array<float, 4>{0.1F, 2.0F, 8.0F, 40.0F}[generator() % 4];
    const float step = generator() % 2 == 0 ? 0.5F : 0x1p-20F;
    std::normal_distribution<float> normal(0, width);
    std::vector<float> logits(kVocabulary);
    for (float& logit : logits) logit = std::round(normal(generator) / step) * step;
    SamplingParams params;
    params.seed = generator();
    params.temperature = std::array<float, 4>{0.01F, 0.7F, 1.0F, 5.0F}[generator() % 4];
    const std::array<std::int32_t, 5> counts = {0, 0, 1, 20, 3000};
    params.top_k = counts[generator() % counts.size()];
    params.top_p = std::array<float, 4>{0.0F, 0.5F, 0.95F, 1.0F}[generator() % 4];
    params.min_p = std::array<float, 4>{0.0F, 1e-9F, 0.05F, 1.0F}[generator() % 4];
    for (std::uint32_t position = 0; position < 5; ++position) {
      ASSERT_EQ(sample(sampler, logits, params, position),
                draw_by_sorting(logits, params, position))
          << "round " << round;
    }
    params.temperature = 0;
    ASSERT_EQ(sample(sampler, logits, params), std::ranges::max_element(logits) - logits.begin());
  }
}

TEST(Sampler, EveryTieOfASmallVocabularyIsCutByIdOrder) {
  // All 4^4 rows of four logits, all k, and nuclei that end at each place.
  Sampler sampler(4);
  for (int code = 0; code < 256; ++code) {
    std::vector<float> logits;
    for (int i = 0, rest = code; i < 4; ++i, rest /= 4)
      logits.push_back(static_cast<float>(rest % 4));
    for (std::int32_t top_k = 0; top_k <= 4; ++top_k) {
      for (const float top_p : {0.0F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F}) {
        SamplingParams params;
        params.top_k = top_k;
        params.top_p = top_p;
        for (std::uint32_t position = 0; position < 4; ++position) {
          ASSERT_EQ(sample(sampler, logits, params, position),
                    draw_by_sorting(logits, params, position));
        }
      }
    }
  }
}

// Pearson's statistic of `draws` draws against probabilities by id.
double chi_square(const std::vector<float>& logits, const SamplingParams& params,
                  const std::vector<double>& probabilities, std::uint32_t draws) {
  Sampler sampler(logits.size());
  std::vector<double> counts(logits.size());
  for (std::uint32_t i = 0; i < draws; ++i) {
    counts[static_cast<std::size_t>(sample(sampler, logits, params, i))] += 1;
  }
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * draws;
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0) << "token " << i;
    } else {
      sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
  }
  return sum;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) / temperature);
  for (const float logit : logits)
    p.push_back(std::exp(static_cast<double>(logit) / temperature) / sum);
  return p;
}

const std::vector<float> kTenLogits = {0.1F,  2.0F, -1.0F, 1.5F,  0.0F,
                                       -3.0F, 1.0F, 0.5F,  -0.5F, 1.9F};

// 27.88 and 16.27 are the 99.9 % points of chi square with 9 and 3 degrees of freedom; seeds are
// fixed.
TEST(Sampler, DrawsInProportion) {
  for (const float temperature : {0.5F, 1.0F, 2.0F}) {
    SamplingParams params;
    params.temperature = temperature;
    params.seed = 42;
    const auto p = softmax(kTenLogits, static_cast<double>(temperature));
    EXPECT_LT(chi_square(kTenLogits, params, p, 20'000), 27.88) << temperature;
  }
}

TEST(Sampler, DrawsInProportionOfWhatIsKept) {
  std::vector<double> p = softmax(kTenLogits, 1.0);
  const double kept = p[1] + p[3] + p[6] + p[9];
  for (const std::size_t i : {0U, 2U, 4U, 5U, 7U, 8U}) p[i] = 0;
  for (double& value : p) value /= kept;
  SamplingParams top_k;
  top_k.top_k = 4;
  EXPECT_LT(chi_square(kTenLogits, top_k, p, 20'000), 16.27);
  SamplingParams top_p;
  top_p.top_p = static_cast<float>(kept) - 0.01F;
  EXPECT_LT(chi_square(kTenLogits, top_p, p, 20'000), 16.27);
  SamplingParams min_p;
  min_p.min_p = std::exp(-1.1F);  // logits above 2 - 1.1
  EXPECT_LT(chi_square(kTenLogits, min_p, p, 20'000), 16.27);
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  Sampler sampler(5);
  SamplingParams params;
  params.temperature = 0;
  EXPECT_EQ(sample(sampler, {1, 3, 2, 3, 3}, params), 1);
  EXPECT_EQ(sample(sampler, {-0.0F, 0.0F, -1, -1, -1}, params), 0);
  params.top_p = 0.1F;
  params.min_p = 1;
  params.top_k = 1;
  EXPECT_EQ(sample(sampler, {1, 3, 2, 3, 3}, params), 1);
}

TEST(Sampler, ATinyTemperatureIsGreedyButForTies) {
  Sampler sampler(4);
  SamplingParams params;
  params.temperature = 1e-40F;  // its inverse is infinite in float32
  std::vector<int> counts(4);
  for (std::uint32_t i = 0; i < 200; ++i) {
    ++counts[static_cast<std::size_t>(sample(sampler, {1, 3, 2.9999F, 3}, params, i))];
  }
  EXPECT_EQ(counts[0] + counts[2], 0);
  EXPECT_GT(counts[1], 60);
  EXPECT_GT(counts[3], 60);
}

TEST(Sampler, AppliesPenaltiesByTheirFormulas) {
  // Which token a penalty lets win, at the values where two logits would be equal.
  Sampler sampler(4);
  TokenHistory history(4, 4);
  const std::vector<TokenId> prompt = {0};
  history.add_prompt(prompt);
  for (int i = 0; i < 3; ++i) history.add_output(1);
  SamplingParams params;
  params.temperature = 0;

  // Repetition: prompt and output; positive logits are divided, others multiplied.
  params.repetition_penalty = 2;
  EXPECT_EQ(sample(sampler, {4.1F, 0, 2, 0}, params, 0, &history), 0);
  EXPECT_EQ(sample(sampler, {3.9F, 0, 2, 0}, params, 0, &history), 2);
  EXPECT_EQ(sample(sampler, {-9, -0.9F, -2, -9}, params, 0, &history), 1);
  EXPECT_EQ(sample(sampler, {-9, -1.1F, -2, -9}, params, 0, &history), 2);
  params.repetition_penalty = 1;

  // Presence: once, for output alone.
  params.presence_penalty = 0.5F;
  EXPECT_EQ(sample(sampler, {0, 1.6F, 1, 0}, params, 0, &history), 1);
  EXPECT_EQ(sample(sampler, {0, 1.4F, 1, 0}, params, 0, &history), 2);
  EXPECT_EQ(sample(sampler, {1.1F, 0, 1, 0}, params, 0, &history), 0) << "not for the prompt";
  params.presence_penalty = 0;

  // Frequency: for each of the three times.
  params.frequency_penalty = 0.5F;
  EXPECT_EQ(sample(sampler, {0, 2.6F, 1, 0}, params, 0, &history), 1);
  EXPECT_EQ(sample(sampler, {0, 2.4F, 1, 0}, params, 0, &history), 2);

  // Together, after the bias: (3 + 1) / 2 - 3 * 0.5 - 0.25 = 0.25.
  params.repetition_penalty = 2;
  params.presence_penalty = 0.25F;
  params.logit_bias = {{1, 1.0F}};
  EXPECT_EQ(sample(sampler, {-9, 3, 0.24F, 0}, params, 0, &history), 1);
  EXPECT_EQ(sample(sampler, {-9, 3, 0.26F, 0}, params, 0, &history), 2);
}

TEST(Sampler, NeverDrawsWhatIsBarred) {
  Sampler sampler(3);
  const std::vector<float> logits = {5, 1, 5};
  const std::vector<TokenId> barred = {0, 2};
  SamplingParams params;
  for (std::uint32_t i = 0; i < 50; ++i) {
    EXPECT_EQ(sampler.sample({logits, params, nullptr, barred, 0, i}).value(), 1);
  }
  const std::vector<TokenId> all = {0, 1, 2};
  EXPECT_FALSE(sampler.sample({logits, params, nullptr, all, 0, 0}).ok());
}

TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  Sampler sampler(3);
  const SamplingParams params;
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), inf, -inf}) {
    const std::vector<float> logits = {1, bad, 2};
    EXPECT_FALSE(sampler.sample({logits, params, nullptr, {}, 0, 0}).ok());
  }
  const float max = std::numeric_limits<float>::max();
  SamplingParams extreme;
  extreme.repetition_penalty = 100;
  extreme.logit_bias = {{0, 100.0F}};
  TokenHistory history(3, 3);
  history.add_output(1);
  EXPECT_EQ(sample(sampler, {max, -max, 0}, extreme, 0, &history), 0);
}

TEST(Sampler, DrawsFromALargeFlatVocabulary) {
  constexpr std::size_t kVocabulary = 200'000;
  Sampler sampler(kVocabulary);
  const std::vector<float> logits(kVocabulary, 1.25F);
  SamplingParams params;
  params.top_p = 0.5F;
  std::vector<TokenId> drawn;
  for (std::uint32_t i = 0; i < 20; ++i) drawn.push_back(sample(sampler, logits, params, i));
  EXPECT_LT(*std::ranges::max_element(drawn), 100'000) << "of equals the lower half is kept";
  EXPECT_GT(*std::ranges::max_element(drawn), 60'000);
}

}  // namespace
}  // namespace runtime
