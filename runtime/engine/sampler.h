// Draws the next token.
//
// In this order, as users of vLLM and of Hugging Face Transformers expect:
//   1. logit_bias is added
//   2. repetition penalty, over prompt and output (Keskar et al. 2019, section 4.1): a positive
//   logit is divided
//      by it, any other multiplied
//   3. frequency and presence penalty, over output: logit -= count * frequency + (count > 0) *
//   presence
//      (OpenAI API reference)
//   4. barred tokens (an end before tokens_min) are out
//   5. temperature: 0 takes the largest logit, the lowest id among equals, and ends here
//   6. top_k: the k largest logits stay
//   7. top_p: of these, the fewest largest whose probabilities sum up to top_p (Holtzman et al.
//   2020)
//   8. min_p: of these, those at least min_p times as likely as the likeliest
//   9. one of these is drawn, in proportion, by 64 bits of Philox
// The result follows from the arguments alone, to the last bit: candidates are ordered by logit and
// then by id, probabilities are integers (token_weight.h), and nothing is ever summed up in an
// order that could vary.
#ifndef RUNTIME_ENGINE_SAMPLER_H_
#define RUNTIME_ENGINE_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/engine/candidate_cut.h"
#include "runtime/engine/request.h"
#include "runtime/engine/token_history.h"
#include "runtime/engine/token_weight.h"
#include "runtime/token.h"

namespace runtime {

// Whether the parameters ask for a history.
bool uses_history(const SamplingParams& params);

struct Draw {
  std::span<const float> logits;    // [vocabulary]
  const SamplingParams& params;     // within limits.h
  const TokenHistory* history;      // may be null unless uses_history(params)
  std::span<const TokenId> barred;  // may not be drawn
  std::uint32_t choice = 0;
  std::uint32_t position = 0;  // of the token to be drawn in its sequence
};

// Holds scratch for one vocabulary, taken at creation: drawing allocates nothing. Belongs to one
// thread.
class Sampler {
 public:
  // Requires 1 <= vocabulary <= limits::kSampledVocabularyMax.
  explicit Sampler(std::size_t vocabulary);

  // kInvalidInput when a logit is not finite, or no token is left to draw.
  base::Result<TokenId> sample(const Draw& draw);

 private:
  struct Candidate {
    TokenId token;
    std::uint32_t key;
    TokenWeight weight;
  };

  std::span<const float> adjust(const Draw& draw);
  void apply_penalties(const Draw& draw);
  void collect(std::span<const float> logits, float max, const SamplingParams& params);
  void keep_top_p(float top_p);
  void keep_min_p(float min_p);
  TokenWeight total_weight() const;
  TokenId draw_candidate(std::uint64_t bits) const;

  std::vector<float> adjusted_;        // [vocabulary]
  std::vector<Candidate> candidates_;  // by ascending id
  CandidateCutter cutter_;
};

// Whether every value is finite: the condition for sampling and for log-probabilities.
bool all_finite(std::span<const float> logits);
inline constexpr std::string_view kNotFiniteError = "the model computed logits that are not finite";

}  // namespace runtime

#endif  // RUNTIME_ENGINE_SAMPLER_H_
