#include "runtime/engine/sampler.h"

#include <algorithm>
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

TokenId find_largest(std::span<const float> logits) {
  // max_element gives the first of equals.
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// What CandidateCutter sees of a row of logits when candidates are counted, not weighed.
struct CountedLogits {
  std::span<const float> logits;
  std::size_t size() const { return logits.size(); }
  std::uint32_t key(std::size_t i) const { return order_key(logits[i]); }
  std::uint64_t weight(std::size_t) const { return 1; }
  TokenId token(std::size_t i) const { return static_cast<TokenId>(i); }
};

template <typename Candidate>
struct WeightedCandidates {
  std::span<const Candidate> list;
  std::size_t size() const { return list.size(); }
  std::uint32_t key(std::size_t i) const { return list[i].key; }
  std::uint64_t weight(std::size_t i) const { return list[i].weight; }
  TokenId token(std::size_t i) const { return list[i].token; }
};

}  // namespace

bool all_finite(std::span<const float> logits) {
  // An exponent of all ones is infinity or NaN. Without a branch, so that the compiler may use wide
  // registers.
  std::uint32_t bad = 0;
  for (const float logit : logits) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(logit) & 0x7F800000U;
    bad |= bits == 0x7F800000U ? 1U : 0U;
  }
  return bad == 0;
}

bool uses_history(const SamplingParams& params) {
  return params.repetition_penalty != 1.0F || params.presence_penalty != 0.0F ||
         params.frequency_penalty != 0.0F;
}

Sampler::Sampler(std::size_t vocabulary) : adjusted_(vocabulary) {
  CHECK(vocabulary >= 1 && vocabulary <= limits::kSampledVocabularyMax);
  candidates_.reserve(vocabulary);
}

base::Result<TokenId> Sampler::sample(const Draw& draw) {
  CHECK(draw.logits.size() == adjusted_.size());
  if (!all_finite(draw.logits)) {
    return base::invalid_input(std::string(kNotFiniteError));
  }
  const std::span<const float> logits = adjust(draw);
  const TokenId largest = find_largest(logits);
  const float max = logits[index_of(largest)];
  if (max == kBarred) return base::invalid_input("every token of the vocabulary is barred");
  if (draw.params.temperature == 0.0F) return largest;

  collect(logits, max, draw.params);
  if (draw.params.top_p < 1.0F) keep_top_p(draw.params.top_p);
  if (draw.params.min_p > 0.0F) keep_min_p(draw.params.min_p);
  return draw_candidate(random_bits(draw.params.seed, draw.choice, draw.position));
}

// Steps 1 to 4, on a copy; the logits themselves when there is nothing to do.
std::span<const float> Sampler::adjust(const Draw& draw) {
  const bool penalties = uses_history(draw.params);
  if (!penalties && draw.params.logit_bias.empty() && draw.barred.empty()) return draw.logits;
  std::copy(draw.logits.begin(), draw.logits.end(), adjusted_.begin());
  for (const auto& [token, bias] : draw.params.logit_bias) {
    float& logit = adjusted_[index_of(token)];
    logit = clamp_finite(logit + bias);
  }
  if (penalties) apply_penalties(draw);
  for (const TokenId token : draw.barred) adjusted_[index_of(token)] = kBarred;
  return adjusted_;
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

// Steps 5 and 6: the candidates with their weights. Those of weight zero are left out, they cannot
// be drawn.
void Sampler::collect(std::span<const float> logits, float max, const SamplingParams& params) {
  const bool top_k = params.top_k > 0 && static_cast<std::size_t>(params.top_k) < logits.size();
  const CandidateCut cut =
      top_k ? cutter_.cut(CountedLogits{logits}, static_cast<std::uint64_t>(params.top_k))
            : CandidateCut{};
  const double beta = 1.0 / static_cast<double>(params.temperature);
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto token = static_cast<TokenId>(i);
    const std::uint32_t key = order_key(logits[i]);
    if (top_k && !cut.keeps(key, token)) continue;
    const double below_max = static_cast<double>(max) - static_cast<double>(logits[i]);
    // The likeliest is weighed without multiplication: beta may be infinite.
    const TokenWeight weight = below_max == 0 ? kTokenWeightMax : token_weight(below_max * beta);
    if (weight > 0) candidates_.push_back({token, key, weight});
  }
}

TokenWeight Sampler::total_weight() const {
  TokenWeight total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  return total;
}

void Sampler::keep_top_p(float top_p) {
  const TokenWeight total = total_weight();
  const double share = std::ceil(static_cast<double>(top_p) * static_cast<double>(total));
  const TokenWeight target = std::clamp<TokenWeight>(static_cast<TokenWeight>(share), 1, total);
  const CandidateCut cut = cutter_.cut(WeightedCandidates<Candidate>{candidates_}, target);
  std::erase_if(candidates_, [&cut](const Candidate& c) { return !cut.keeps(c.key, c.token); });
}

void Sampler::keep_min_p(float min_p) {
  const double share = static_cast<double>(min_p) * static_cast<double>(kTokenWeightMax);
  const auto weight_min = static_cast<TokenWeight>(std::ceil(share));
  std::erase_if(candidates_, [weight_min](const Candidate& c) { return c.weight < weight_min; });
}

TokenId Sampler::draw_candidate(std::uint64_t bits) const {
  // Scales 64 bits to 0 … total - 1; the bias is below 2^-64 for any set of tokens.
  __extension__ using Wide = unsigned __int128;
  auto rest = static_cast<TokenWeight>((Wide{bits} * Wide{total_weight()}) >> 64);
  for (const Candidate& candidate : candidates_) {
    if (rest < candidate.weight) return candidate.token;
    rest -= candidate.weight;
  }
  CHECK(false);
}

}  // namespace runtime
