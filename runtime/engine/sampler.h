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
#include "runtime/engine/logit_row_blocks.h"
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
//
// Nothing is sorted. Where top_k or min_p leaves few candidates they are listed, else every token
// is weighed in one wide pass and blocks are added up; what a nucleus ends with is found by a
// histogram of those tokens that can be in it.
class Sampler {
 public:
  // Requires 1 <= vocabulary <= limits::kSampledVocabularyMax.
  explicit Sampler(std::size_t vocabulary);

  // kInvalidInput when a logit is not finite, or no token is left to draw.
  base::Result<TokenId> sample(const Draw& draw);

  // The row of the last sample(), before anything was added to it.
  LogitRowBlocks& row() { return row_; }

 private:
  struct Candidate {
    TokenId token;
    std::uint32_t key;
    TokenWeight weight;
  };
  // What of a weighed row may be drawn.
  struct Kept {
    CandidateCut cut;
    TokenWeight weight_min = 1;

    bool keeps(float logit, TokenId token, TokenWeight weight) const {
      return weight >= weight_min && cut.keeps(order_key(logit), token);
    }
  };

  LogitRowBlocks& adjust(const Draw& draw);
  void apply_penalties(const Draw& draw);

  // From a list of candidates.
  void list_top_k(LogitRowBlocks& row, std::size_t count);
  void list_likely(const LogitRowBlocks& row, float min_p, double beta);
  void weigh_candidates(float max, double beta);
  void keep_top_p(float top_p);
  void keep_min_p(float min_p);
  TokenId draw_candidate(std::uint64_t bits) const;

  // From the whole row.
  TokenId draw_from_row(const LogitRowBlocks& row, const SamplingParams& params,
                        std::uint64_t bits);
  TokenWeight weigh_row(const LogitRowBlocks& row, double beta);
  CandidateCut find_nucleus(const LogitRowBlocks& row, double beta, TokenWeight total,
                            TokenWeight target);
  TokenWeight sum_kept(const LogitRowBlocks& row, const Kept& kept);
  TokenId walk_row(const LogitRowBlocks& row, const Kept& kept, TokenWeight rest) const;

  LogitRowBlocks row_;
  LogitRowBlocks adjusted_row_;
  std::vector<float> adjusted_;               // [vocabulary]
  std::vector<Candidate> candidates_;         // by ascending id
  std::vector<TokenWeight> weights_;          // [vocabulary]; of blocks whose sum is not zero
  std::vector<TokenWeight> block_sums_;       // by block
  std::vector<std::uint32_t> block_buckets_;  // by block: of its largest
  std::vector<TokenWeight> nucleus_sums_;     // by bucket
  CandidateCutter cutter_;
};

inline constexpr std::string_view kNotFiniteError = "the model computed logits that are not finite";

}  // namespace runtime

#endif  // RUNTIME_ENGINE_SAMPLER_H_
