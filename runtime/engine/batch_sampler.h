// Draws the tokens of a step: its rows side by side, on the threads that computed them.
//
// A row is worked on by one thread, which takes the next row that nobody has begun. What comes out
// for a row follows from that row and its sequence alone (sampler.h), so neither the number of
// threads shows nor who took which row.
#ifndef RUNTIME_ENGINE_BATCH_SAMPLER_H_
#define RUNTIME_ENGINE_BATCH_SAMPLER_H_

#include <cstddef>
#include <span>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/logprobs.h"
#include "runtime/engine/sampler.h"
#include "runtime/engine/sequence.h"
#include "runtime/engine/token_history.h"
#include "runtime/model/decoder.h"

namespace runtime {

// Takes all its memory at creation. Belongs to one thread, the decoder's.
class BatchSampler {
 public:
  // What a sequence's last row of logits came to.
  struct Drawn {
    Sequence* sequence;
    LogitRow row;                   // empty where the decoder drew
    base::Result<TokenId> token;    // as Sampler::sample
    std::vector<TokenLogprob> top;  // the likeliest tokens, where the request wants them
  };

  // The decoder outlives it. Options are checked (Engine::create).
  BatchSampler(const EngineOptions& options, Decoder& decoder, std::size_t vocabulary);

  // Forgets the last step.
  void clear() {
    count_ = 0;
    pending_.clear();
  }
  // Takes up a running sequence, at most options.sequences_max of them, each once. `row` is
  // borrowed until clear().
  void add(Sequence& sequence, const LogitRow& row);
  // The same of one whose token the decoder has drawn (LogitRows::drawn).
  void add_drawn(Sequence& sequence, TokenId token);
  // Draws for all that need it.
  void draw_all();
  // In the order in which they were added.
  std::span<const Drawn> drawn() const { return std::span(drawn_).first(count_); }

 private:
  Drawn& take_up(Sequence& sequence, const LogitRow& row);
  void draw(Sampler& sampler, Drawn& drawn);
  const TokenHistory* history_of(Sequence& sequence);

  Decoder& decoder_;
  std::vector<Sampler> samplers_;        // as many as work side by side
  std::vector<TokenHistory> histories_;  // by slot
  std::vector<Drawn> drawn_;             // the first count_; the others keep their memory
  std::size_t count_ = 0;
  std::vector<Drawn*> pending_;  // those to be drawn here
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_BATCH_SAMPLER_H_
