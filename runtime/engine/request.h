// A generation request as admitted, and what comes back for it.
//
// Every effective parameter is frozen here, seed included: the tokens of a request follow from this
// struct, the model and the kernel set alone.
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
  std::vector<std::pair<TokenId, float>>
      logit_bias;          // distinct tokens; -100 … 100, added to the logit
  std::uint64_t seed = 0;  // always set: the gateway draws one when the client gives none
};

struct GenerationRequest {
  std::uint64_t id = 0;          // unique among live requests; chosen by the caller
  std::uint64_t tenant = 0;      // prefix cache and fairness are per tenant
  std::vector<TokenId> prompt;   // at least one token
  std::uint32_t choices = 1;     // "n"; choice c draws with the Philox key (seed, c)
  std::uint32_t tokens_max = 0;  // per choice; at least 1; prompt + tokens_max <= context
  std::uint32_t tokens_min =
      0;  // the first so many tokens are no end tokens and complete no stop string
  std::vector<std::string> stop;     // UTF-8, not empty; text from the first match on is withheld
  std::vector<TokenId> stop_tokens;  // end generation like the model's own end tokens
  bool ignore_end_tokens = false;
  bool include_stop_text = false;
  bool logprobs = false;           // of every emitted token
  std::uint32_t top_logprobs = 0;  // alternatives per token, 0 … 20
  bool echo = false;  // every choice first gives the prompt's tokens back, one event each
  bool echo_logprobs =
      false;  // … with their log-probabilities (all but the first token's); implies echo
  std::uint32_t echo_from = 0;  // the first token given back; what is before it may come from the cache
  SamplingParams sampling;
  // To go on after a restart: the tokens each choice has emitted so far (all of them, or empty).
  // They are replayed in silence; what follows has the tokens, texts and log-probabilities it would
  // have had. A choice whose replay is already complete gets a closing event without token and
  // text. The prompt is not echoed again to a choice that has emitted tokens.
  std::vector<std::vector<TokenId>> resume;
};

enum class FinishReason : std::uint8_t { kNone, kStop, kLength, kCancelled, kError };

// Log-probabilities are natural logarithms of softmax(logits) of the model, before temperature,
// penalties and truncation.
struct TokenLogprob {
  TokenId token = kNoToken;
  float logprob = 0;
};

// One event of one choice, in order. Text and tokens do not advance in step: text is held back
// while it may still turn out to be the start of a stop string or is half a UTF-8 character.
struct GenerationEvent {
  std::uint64_t request = 0;
  std::uint32_t choice = 0;
  TokenId token = kNoToken;       // the token just sampled; kNoToken in a closing event without one
  bool prompt = false;            // a token of the prompt, given back (echo)
  std::string text;               // what may be shown now; valid UTF-8
  bool has_logprob = false;       // asked for, and not the first token of a prompt
  TokenLogprob logprob;           // with has_logprob
  std::vector<TokenLogprob> top;  // best first, when asked for
  FinishReason finish = FinishReason::kNone;
  std::uint32_t prompt_tokens = 0;  // set in closing events, as the next three
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_prompt_tokens = 0;
  // Its share of the forward passes that it was part of, by the tokens it had in each: all choices
  // together have taken what all passes took.
  std::int64_t device_ns = 0;
  std::string error;  // with kError
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_REQUEST_H_
