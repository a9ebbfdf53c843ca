#include "runtime/engine/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "hardening/base/check.h"
#include "runtime/engine/philox.h"

namespace runtime {
namespace {

constexpr float kBarred = -std::numeric_limits<float>::infinity();

std::size_t index_of(TokenId token) {
  return static_cast<std::size_t>(token);
}

float clamp_finite(float value) {
  return std::clamp(value, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max());
}

// x = (max - logit) * beta is known to a few parts in 2^23, weights to one in 2^42: what is chosen
// by comparing x is chosen with this to spare, and then exactly.
constexpr double kSpare = 0.01;

// A logit below every one whose x is at most `x`.
float logit_floor(float max, double beta, double x) {
  const double floor = static_cast<double>(max) - (x + kSpare) / beta;
  return clamp_finite(std::nextafter(static_cast<float>(floor), kBarred));
}

// The share `p` of a sum of weights, at least 1.
TokenWeight share_of(TokenWeight total, float p) {
  const double share = std::ceil(static_cast<double>(p) * static_cast<double>(total));
  return std::clamp<TokenWeight>(static_cast<TokenWeight>(share), 1, total);
}

TokenWeight smallest_weight(float min_p) {
  return static_cast<TokenWeight>(
      std::ceil(static_cast<double>(min_p) * static_cast<double>(kTokenWeightMax)));
}

// Scales 64 bits to 0 … total - 1; the bias is below 2^-64 for any set of tokens.
TokenWeight scale_bits(std::uint64_t bits, TokenWeight total) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<TokenWeight>((Wide{bits} * Wide{total}) >> 64);
}

// What CandidateCutter sees of a list: `weigh` says what each counts.
template <typename Candidate, typename Weigh>
struct ListedCandidates {
  std::span<const Candidate> list;
  Weigh weigh;
  std::size_t size() const { return list.size(); }
  std::uint32_t key(std::size_t i) const { return list[i].key; }
  std::uint64_t weight(std::size_t i) const { return weigh(list[i]); }
  TokenId token(std::size_t i) const { return list[i].token; }
};
template <typename Candidate, typename Weigh>
ListedCandidates(const std::vector<Candidate>&, Weigh) -> ListedCandidates<Candidate, Weigh>;

constexpr auto kWeight = [](const auto& candidate) { return candidate.weight; };
constexpr auto kCount = [](const auto&) { return std::uint64_t{1}; };

// Enough that a bucket of a large flat vocabulary holds a few tokens.
constexpr std::uint32_t kNucleusBuckets = 4096;
// For all that is below: most tokens of a peaked row, which in a single one would wait for one
// another. Chosen without a branch, which a flat row would guess wrong half of the time.
constexpr std::uint32_t kRestBuckets = 16;

}  // namespace

bool uses_history(const SamplingParams& params) {
  return params.repetition_penalty != 1.0F || params.presence_penalty != 0.0F ||
         params.frequency_penalty != 0.0F;
}

Sampler::Sampler(std::size_t vocabulary)
    : row_(vocabulary),
      adjusted_row_(vocabulary),
      adjusted_(vocabulary),
      weights_(vocabulary),
      block_sums_(logit_blocks(vocabulary)),
      block_buckets_(logit_blocks(vocabulary)),
      nucleus_sums_(kNucleusBuckets + kRestBuckets) {
  CHECK(vocabulary >= 1 && vocabulary <= limits::kSampledVocabularyMax);
  candidates_.reserve(vocabulary);
}

base::Result<TokenId> Sampler::sample(const Draw& draw) {
  CHECK(draw.logits.size() == adjusted_.size());
  if (!row_.scan(draw.logits)) return base::invalid_input(std::string(kNotFiniteError));
  LogitRowBlocks& row = adjust(draw);
  if (row.max() == kBarred) return base::invalid_input("every token of the vocabulary is barred");
  const SamplingParams& params = draw.params;
  if (params.temperature == 0.0F) return row.largest();

  const std::uint64_t bits = random_bits(params.seed, draw.choice, draw.position);
  const double beta = 1.0 / static_cast<double>(params.temperature);
  const bool top_k =
      params.top_k > 0 && static_cast<std::size_t>(params.top_k) < row.logits().size();
  if (top_k) {
    list_top_k(row, static_cast<std::size_t>(params.top_k));
  } else if (params.top_p >= 1.0F && params.min_p > 0.0F) {
    list_likely(row, params.min_p, beta);
  } else {
    return draw_from_row(row, params, bits);
  }
  weigh_candidates(row.max(), beta);
  if (params.top_p < 1.0F) keep_top_p(params.top_p);
  if (params.min_p > 0.0F) keep_min_p(params.min_p);
  return draw_candidate(bits);
}

// Steps 1 to 4, on a copy; the row itself when there is nothing to do.
LogitRowBlocks& Sampler::adjust(const Draw& draw) {
  const bool penalties = uses_history(draw.params);
  if (!penalties && draw.params.logit_bias.empty() && draw.barred.empty()) return row_;
  std::copy(draw.logits.begin(), draw.logits.end(), adjusted_.begin());
  for (const auto& [token, bias] : draw.params.logit_bias) {
    float& logit = adjusted_[index_of(token)];
    logit = clamp_finite(logit + bias);
  }
  if (penalties) apply_penalties(draw);
  for (const TokenId token : draw.barred) adjusted_[index_of(token)] = kBarred;
  (void)adjusted_row_.scan(adjusted_);  // finite, but for what is barred
  return adjusted_row_;
}

void Sampler::apply_penalties(const Draw& draw) {
  const SamplingParams& params = draw.params;
  CHECK(draw.history != nullptr);
  for (const TokenId token : draw.history->distinct()) {
    float logit = adjusted_[index_of(token)];
    logit = logit > 0 ? logit / params.repetition_penalty : logit * params.repetition_penalty;
    const std::uint32_t count = draw.history->output_count(token);
    logit -= static_cast<float>(count) * params.frequency_penalty;
    if (count > 0) logit -= params.presence_penalty;
    adjusted_[index_of(token)] = clamp_finite(logit);
  }
}

// ---- from a list of candidates

// Step 6: the k largest, as yet without weights.
void Sampler::list_top_k(LogitRowBlocks& row, std::size_t count) {
  candidates_.clear();
  row.for_each_from(row.floor_of_largest(count), [this](TokenId token, float logit) {
    candidates_.push_back({token, order_key(logit), 0});
  });
  const CandidateCut cut = cutter_.cut(ListedCandidates{candidates_, kCount}, count);
  std::erase_if(candidates_, [&cut](const Candidate& c) { return !cut.keeps(c.key, c.token); });
}

// Those that min_p will keep, and a few more.
void Sampler::list_likely(const LogitRowBlocks& row, float min_p, double beta) {
  candidates_.clear();
  const float floor = logit_floor(row.max(), beta, -std::log(static_cast<double>(min_p)));
  row.for_each_from(floor, [this](TokenId token, float logit) {
    candidates_.push_back({token, order_key(logit), 0});
  });
}

// Step 5.
void Sampler::weigh_candidates(float max, double beta) {
  for (Candidate& candidate : candidates_) {
    const double logit = static_cast<double>(order_key_logit(candidate.key));
    candidate.weight = token_weight((static_cast<double>(max) - logit) * beta);
  }
}

void Sampler::keep_top_p(float top_p) {
  TokenWeight total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  const CandidateCut cut =
      cutter_.cut(ListedCandidates{candidates_, kWeight}, share_of(total, top_p));
  std::erase_if(candidates_, [&cut](const Candidate& c) { return !cut.keeps(c.key, c.token); });
}

void Sampler::keep_min_p(float min_p) {
  const TokenWeight weight_min = smallest_weight(min_p);
  std::erase_if(candidates_, [weight_min](const Candidate& c) { return c.weight < weight_min; });
}

TokenId Sampler::draw_candidate(std::uint64_t bits) const {
  TokenWeight total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  TokenWeight rest = scale_bits(bits, total);
  for (const Candidate& candidate : candidates_) {
    if (rest < candidate.weight) return candidate.token;
    rest -= candidate.weight;
  }
  CHECK(false);
}

// ---- from the whole row

TokenId Sampler::draw_from_row(const LogitRowBlocks& row, const SamplingParams& params,
                               std::uint64_t bits) {
  const double beta = 1.0 / static_cast<double>(params.temperature);
  TokenWeight total = weigh_row(row, beta);
  Kept kept;
  if (params.top_p < 1.0F) {
    kept.cut = find_nucleus(row, beta, total, share_of(total, params.top_p));
    kept.weight_min = std::max<TokenWeight>(1, smallest_weight(params.min_p));
    total = sum_kept(row, kept);
  }
  return walk_row(row, kept, scale_bits(bits, total));
}

// Weighs every token that can weigh anything; returns the sum.
TokenWeight Sampler::weigh_row(const LogitRowBlocks& row, double beta) {
  const LogitPasses& passes = logit_passes();
  const double max = static_cast<double>(row.max());
  TokenWeight total = 0;
  for (std::size_t block = 0; block < row.blocks(); ++block) {
    block_sums_[block] = 0;
    const std::size_t begin = row.block_begin(block);
    if ((max - static_cast<double>(row.block_max(block))) * beta >= kTokenWeightXMax) continue;
    block_sums_[block] =
        passes.weigh_block({row.logits().data() + begin, row.block_end(block) - begin, max, beta},
                           weights_.data() + begin);
    total += block_sums_[block];
  }
  return total;
}

// The last token of the fewest largest that weigh `target` together.
CandidateCut Sampler::find_nucleus(const LogitRowBlocks& row, double beta, TokenWeight total,
                                   TokenWeight target) {
  // All tokens lighter than this may go together without missing the target.
  const double lightest =
      static_cast<double>(total - target) / static_cast<double>(row.logits().size());
  const double x_max =
      lightest <= 1 ? kTokenWeightXMax : std::log(static_cast<double>(kTokenWeightMax) / lightest);
  // More buckets take those that are in none.
  const double scale = beta / (std::min(x_max, kTokenWeightXMax) + kSpare) * kNucleusBuckets;
  const LogitScale buckets = {row.max(), static_cast<float>(std::min(scale, 1e30)),
                              kNucleusBuckets};
  const LogitPasses& passes = logit_passes();
  for (std::size_t block = 0; block < row.blocks(); block += kLogitBlock) {
    const std::size_t count = std::min(kLogitBlock, row.blocks() - block);
    passes.find_buckets({row.maxima().data() + block, count, 0, 1}, buckets,
                        &block_buckets_[block]);
  }
  const auto for_each_until = [&](std::uint32_t last, const auto& body) {
    std::array<std::uint32_t, kLogitBlock> found;
    for (std::size_t block = 0; block < row.blocks(); ++block) {
      if (block_sums_[block] == 0 || block_buckets_[block] > last) continue;
      const std::size_t begin = row.block_begin(block);
      const std::size_t count = row.block_end(block) - begin;
      passes.find_buckets({row.logits().data() + begin, count, 0, 1}, buckets, found.data());
      for (std::size_t i = 0; i < count; ++i) body(begin + i, found[i]);
    }
  };
  // Plain pointers: every token of a flat vocabulary passes through here.
  const TokenWeight* const weights = weights_.data();
  TokenWeight* const sums = nucleus_sums_.data();
  std::fill(nucleus_sums_.begin(), nucleus_sums_.end(), TokenWeight{0});
  for_each_until(kNucleusBuckets - 1, [&](std::size_t i, std::uint32_t bucket) {
    sums[bucket + bucket / kNucleusBuckets * (i % kRestBuckets)] += weights[i];
  });
  std::uint32_t last = 0;
  while (sums[last] < target) {
    target -= sums[last++];
    CHECK(last < kNucleusBuckets);
  }
  candidates_.clear();
  for_each_until(last, [&](std::size_t i, std::uint32_t bucket) {
    if (bucket != last) return;
    candidates_.push_back({static_cast<TokenId>(i), order_key(row.logits()[i]), weights[i]});
  });
  return cutter_.cut(ListedCandidates{candidates_, kWeight}, target);
}

// Sums what is kept of each block anew; returns the sum of all.
TokenWeight Sampler::sum_kept(const LogitRowBlocks& row, const Kept& kept) {
  const LogitPasses& passes = logit_passes();
  const float last = order_key_logit(kept.cut.key);
  const float above = std::nextafter(last, std::numeric_limits<float>::infinity());
  const auto next = index_of(kept.cut.token) + 1;  // from here on equals of the last are out
  TokenWeight total = 0;
  for (std::size_t block = 0; block < row.blocks(); ++block) {
    if (block_sums_[block] == 0) continue;
    const auto sum = [&](std::size_t begin, std::size_t end, float floor) -> TokenWeight {
      if (begin >= end) return 0;
      return passes.sum_from({row.logits().data() + begin, end - begin, 0, 1},
                             weights_.data() + begin, floor, kept.weight_min);
    };
    const std::size_t begin = row.block_begin(block);
    const std::size_t end = row.block_end(block);
    const std::size_t middle = std::clamp(next, begin, end);
    const bool any = row.block_max(block) >= last;
    block_sums_[block] = any ? sum(begin, middle, last) + sum(middle, end, above) : 0;
    total += block_sums_[block];
  }
  return total;
}

// The token at `rest` of what is kept, by ascending id.
TokenId Sampler::walk_row(const LogitRowBlocks& row, const Kept& kept, TokenWeight rest) const {
  std::size_t block = 0;
  while (rest >= block_sums_[block]) {
    rest -= block_sums_[block++];
    CHECK(block < row.blocks());
  }
  for (std::size_t i = row.block_begin(block); i < row.block_end(block); ++i) {
    const auto token = static_cast<TokenId>(i);
    if (!kept.keeps(row.logits()[i], token, weights_[i])) continue;
    if (rest < weights_[i]) return token;
    rest -= weights_[i];
  }
  CHECK(false);
}

}  // namespace runtime
