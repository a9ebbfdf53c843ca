#include "runtime/engine/batch_sampler.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "hardening/base/check.h"
#include "runtime/engine/limits.h"

namespace runtime {

BatchSampler::BatchSampler(const EngineOptions& options, Decoder& decoder, std::size_t vocabulary)
    : decoder_(decoder) {
  const std::size_t side_by_side =
      std::min({decoder.host_threads(), options.sequences_max, limits::kSamplersMax});
  samplers_.reserve(side_by_side);
  for (std::size_t i = 0; i < side_by_side; ++i) samplers_.emplace_back(vocabulary);
  histories_.reserve(options.sequences_max);
  drawn_.reserve(options.sequences_max);
  pending_.reserve(options.sequences_max);
  for (std::size_t i = 0; i < options.sequences_max; ++i) {
    histories_.emplace_back(vocabulary, decoder.shape().context_tokens_max);
    drawn_.push_back({nullptr, {}, kNoToken, {}});
    drawn_.back().top.reserve(limits::kTopLogprobsMax);
  }
}

void BatchSampler::add(Sequence& sequence, const LogitRow& row) {
  pending_.push_back(&take_up(sequence, row));
}

void BatchSampler::add_drawn(Sequence& sequence, TokenId token) {
  Drawn& drawn = take_up(sequence, {});
  if (token == kNoToken) {
    drawn.token = base::invalid_input(std::string(kNotFiniteError));
  } else {
    drawn.token = token;
  }
}

BatchSampler::Drawn& BatchSampler::take_up(Sequence& sequence, const LogitRow& row) {
  CHECK(count_ < drawn_.size());
  Drawn& drawn = drawn_[count_++];
  drawn.sequence = &sequence;
  drawn.row = row;
  return drawn;
}

void BatchSampler::draw_all() {
  std::atomic<std::size_t> next = 0;
  const auto take_rows = [this, &next](std::size_t sampler) {
    for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < pending_.size();) {
      draw(samplers_[sampler], *pending_[i]);
    }
  };
  decoder_.for_each_on_host(std::min(pending_.size(), samplers_.size()), take_rows);
}

void BatchSampler::draw(Sampler& sampler, Drawn& drawn) {
  Sequence& sequence = *drawn.sequence;
  const GenerationRequest& spec = sequence.request->spec;
  Draw draw = {drawn.row.logits,     spec.sampling,
               history_of(sequence), {},
               sequence.choice,      static_cast<std::uint32_t>(sequence.tokens.size())};
  if (!sequence.output.may_end()) draw.barred = sequence.request->barred;
  drawn.token = sampler.sample(draw);
  if (spec.logprobs && drawn.token.ok()) {
    top_logprobs(drawn.row, sampler.row(), spec.top_logprobs, drawn.top);
  }
}

// The history of a running sequence up to its last token; null when no penalty asks for it.
const TokenHistory* BatchSampler::history_of(Sequence& sequence) {
  if (!uses_history(sequence.request->spec.sampling)) return nullptr;
  TokenHistory& history = histories_[sequence.slot];
  const std::size_t prompt = sequence.request->prompt_tokens();
  const std::span<const TokenId> made = std::span(sequence.tokens).subspan(prompt);
  if (sequence.history_stale) {
    sequence.history_stale = false;
    history.reset();
    history.add_prompt(sequence.request->spec.prompt);
    for (const TokenId token : made) history.add_output(token);
  } else {
    history.add_output(made.back());
  }
  return &history;
}

}  // namespace runtime
