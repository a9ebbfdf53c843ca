// A generation request as admitted, and what comes back for it.
//
// Every effective parameter is frozen here, seed included: the tokens of a request follow from this struct, the
// model and the kernel set alone.
#ifndef RUNTIME_ENGINE_REQUEST_H_
#define RUNTIME_ENGINE_REQUEST_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/token.h"

namespace runtime {

struct SamplingParams {
  float temperature = 1.0F;         // 0: greedy (the largest logit, the lowest id among equals)
  std::int32_t top_k = 0;           // 0: off
  float top_p = 1.0F;               // 1: off
  float min_p = 0.0F;               // 0: off
  float repetition_penalty = 1.0F;  // over prompt and output (Keskar et al. 2019); 1: off
  float presence_penalty = 0.0F;    // over output
  float frequency_penalty = 0.0F;   // over output
  std::vector<std::pair<TokenId, float>> logit_bias;  // distinct tokens; -100 … 100, added to the logit
  std::uint64_t seed = 0;           // always set: the gateway draws one when the client gives none
};

struct GenerationRequest {
  std::uint64_t id = 0;             // unique among live requests; chosen by the caller
  std::uint64_t tenant = 0;         // prefix cache and fairness are per tenant
  std::vector<TokenId> prompt;      // at least one token
  std::uint32_t choices = 1;        // "n"; choice c draws with the Philox key (seed, c)
  std::uint32_t tokens_max = 0;     // per choice; at least 1; prompt + tokens_max <= context
  std::uint32_t tokens_min = 0;     // end tokens and stop strings are barred before that
  std::vector<std::string> stop;    // UTF-8, not empty; text from the first match on is withheld
  std::vector<TokenId> stop_tokens; // end generation like the model's own end tokens
  bool ignore_end_tokens = false;
  bool include_stop_text = false;
  bool logprobs = false;            // of every emitted token
  std::uint32_t top_logprobs = 0;   // alternatives per token, 0 … 20
  bool echo_logprobs = false;       // log-probabilities of the prompt tokens too (completions echo + logprobs)
  SamplingParams sampling;
};

enum class FinishReason : std::uint8_t { kNone, kStop, kLength, kCancelled, kError };

// Log-probabilities are natural logarithms of softmax(logits) of the model, before temperature, penalties
// and truncation.
struct TokenLogprob {
  TokenId token = kNoToken;
  float logprob = 0;
};

// One event of one choice, in order. Text and tokens do not advance in step: text is held back while it may
// still turn out to be the start of a stop string or is half a UTF-8 character.
struct GenerationEvent {
  std::uint64_t request = 0;
  std::uint32_t choice = 0;
  TokenId token = kNoToken;             // the token just sampled; kNoToken in a closing event without one
  std::string text;                     // what may be shown now; valid UTF-8
  TokenLogprob logprob;                 // when asked for
  std::vector<TokenLogprob> top;        // best first, when asked for
  FinishReason finish = FinishReason::kNone;
  std::uint32_t prompt_tokens = 0;      // set in closing events, as the next two
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_prompt_tokens = 0;
  std::string error;                    // with kError
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_REQUEST_H_
