// What the engine knows of a request it has accepted, and of each of its choices.
#ifndef RUNTIME_ENGINE_SEQUENCE_H_
#define RUNTIME_ENGINE_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/engine/choice_output.h"
#include "runtime/engine/detokenizer.h"
#include "runtime/engine/fair_share.h"
#include "runtime/engine/kv_blocks.h"
#include "runtime/engine/prefix_cache.h"
#include "runtime/engine/request.h"
#include "runtime/engine/stop_matcher.h"
#include "runtime/engine/utf8_stream.h"

namespace runtime {

struct LiveRequest;

// The prompt on its way back to the client.
struct PromptEcho {
  Detokenizer detokenizer;
  Utf8Stream utf8;
  std::size_t next = 0;  // the prompt token whose event is due
};

// One choice: a sequence of tokens and its place in the KV cache.
struct Sequence {
  enum class Phase : std::uint8_t { kWaiting, kRunning, kDone };

  Sequence(const Tokenizer& tokenizer, LiveRequest& owner, std::uint32_t index);

  LiveRequest* request;
  std::uint32_t choice;
  ChoiceOutput output;
  std::optional<PromptEcho> echo;  // until the whole prompt was given back
  Phase phase = Phase::kWaiting;
  FinishReason closing = FinishReason::kNone;  // ended outside of a step; its closing event is due

  // Prompt and what was made so far. Empty until the sequence is first admitted; memory for all it
  // can become is taken then.
  std::vector<TokenId> tokens;

  // While running:
  std::size_t slot = 0;          // 0 … sequences_max - 1, its own
  bool history_stale = true;     // the slot's history is another's
  std::size_t computed = 0;      // tokens whose keys and values are in the cache
  std::vector<BlockId> blocks;   // the block table
  ChainPoint chain;              // end of the blocks the prefix cache knows
  std::size_t chain_blocks = 0;  // how many these are
  std::size_t charged = 0;       // tokens its tenant has paid for
  std::int64_t device_ns = 0;    // of forward passes, its share so far

  // Its part in the present step; step_tokens is 0 when it has none.
  std::size_t step_tokens = 0;
  std::size_t step_logits = 0;  // rows, for the last so many of them
  std::size_t step_row = 0;     // the first of these among all rows of the step
  bool step_drawn = false;      // the decoder draws its token (row_draw.h)
  std::size_t step_draw = 0;    // its place among the draws of the step, if it has one

  // The first position whose logits are still wanted.
  std::size_t first_logit_position() const;
  // Tokens not in the cache yet: 1 while generating, more while the prompt is computed.
  std::size_t remaining() const { return tokens.size() - computed; }
};

// A request with its choices. Stays in its place: the choices point at it.
struct LiveRequest {
  LiveRequest(const Tokenizer& tokenizer, GenerationRequest request);
  LiveRequest(const LiveRequest&) = delete;
  LiveRequest& operator=(const LiveRequest&) = delete;

  const GenerationRequest spec;
  const StopSet stops;
  const bool from_rows_alone;   // draws_from_rows_alone()
  std::vector<TokenId> barred;  // tokens that would end a choice, while it may not end
  std::vector<Sequence> choices;
  std::uint64_t arrival = 0;  // grows from request to request
  FairShare::Tenant* tenant = nullptr;
  bool started = false;    // some choice has been admitted
  bool announced = false;  // Engine::on_start
  bool cancelled = false;
  std::uint32_t cached_prompt_tokens = 0;

  std::size_t prompt_tokens() const { return spec.prompt.size(); }
  bool done() const;
};

// Age decides who is preempted (the youngest) and, within a tenant, whose turn it is (the oldest).
inline bool is_older(const Sequence& a, const Sequence& b) {
  if (a.request->arrival != b.request->arrival) return a.request->arrival < b.request->arrival;
  return a.choice < b.choice;
}

}  // namespace runtime

#endif  // RUNTIME_ENGINE_SEQUENCE_H_
