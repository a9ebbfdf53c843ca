#include "runtime/engine/engine_core.h"

#include <string_view>
#include <utility>

#include "hardening/base/check.h"
#include "runtime/engine/limits.h"
#include "runtime/engine/row_draw.h"

namespace runtime {
namespace {

using Phase = Sequence::Phase;

// Room for the text of an ordinary event; a longer one makes the string grow once.
constexpr std::size_t kEventTextBytes = 4096;

// Shares out the time of a pass by tokens, to the last nanosecond: each sequence has what comes with
// its tokens on top of those before it.
void charge(std::span<Sequence* const> batch, std::int64_t pass_ns) {
  std::int64_t tokens = 0;
  for (const Sequence* const sequence : batch) {
    tokens += static_cast<std::int64_t>(sequence->step_tokens);
  }
  std::int64_t before = 0;
  std::int64_t charged_ns = 0;
  for (Sequence* const sequence : batch) {
    before += static_cast<std::int64_t>(sequence->step_tokens);
    const std::int64_t through_ns =
        pass_ns / tokens * before + pass_ns % tokens * before / tokens;
    sequence->device_ns += through_ns - charged_ns;
    charged_ns = through_ns;
  }
}

}  // namespace

EngineCore::EngineCore(const EngineOptions& options, Decoder& decoder, const Tokenizer& tokenizer)
    : options_(options),
      decoder_(decoder),
      tokenizer_(tokenizer),
      vocabulary_(tokenizer.vocabulary_size()),
      bounds_{vocabulary_, decoder.shape().context_tokens_max, decoder.shape().block_tokens,
              decoder.shape().blocks},
      scheduler_(options, decoder),
      sampler_(options, decoder, vocabulary_),
      echo_row_(vocabulary_) {
  slices_.reserve(options.sequences_max);
  draws_.reserve(options.sequences_max);
  event_.text.reserve(kEventTextBytes);
  event_.top.reserve(limits::kTopLogprobsMax);
}

base::Status EngineCore::submit(GenerationRequest request) {
  TRY(check_request(request, bounds_));
  TRY(scheduler_.check_place(request.id));
  scheduler_.add(std::make_unique<LiveRequest>(tokenizer_, std::move(request)));
  return {};
}

void EngineCore::cancel(std::uint64_t request) {
  LiveRequest* const found = scheduler_.find(request);
  if (found != nullptr) found->cancelled = true;
}

EngineStats EngineCore::stats() const {
  EngineStats stats = counts_;
  scheduler_.add_stats(stats);
  return stats;
}

base::Status EngineCore::step(const EventSink& sink) {
  close_cancelled();
  const std::span<Sequence* const> batch = TRY(scheduler_.plan());
  LogitRows rows;
  if (!batch.empty()) {
    if (start_sink_) announce(batch);
    rows = TRY(options_.clock == nullptr ? compute(batch) : compute_timed(batch));
    scheduler_.complete();
    ++counts_.steps;
  }
  sample(rows);
  for (const auto& [id, request] : scheduler_.requests()) {
    for (Sequence& choice : request->choices) {
      if (choice.closing != FinishReason::kNone) {
        emit_closing(choice, sink);
      } else if (choice.step_tokens > 0) {
        emit(choice, rows, sink);
      }
    }
  }
  counts_.requests_finished += scheduler_.end_step();
  return {};
}

void EngineCore::announce(std::span<Sequence* const> batch) {
  for (const Sequence* const sequence : batch) {
    if (!std::exchange(sequence->request->announced, true)) start_sink_(sequence->request->spec.id);
  }
}

void EngineCore::close_cancelled() {
  for (const auto& [id, request] : scheduler_.requests()) {
    if (!request->cancelled) continue;
    for (Sequence& choice : request->choices) {
      if (choice.phase == Phase::kDone) continue;
      scheduler_.finish(choice);
      choice.closing = FinishReason::kCancelled;
    }
  }
}

base::Result<LogitRows> EngineCore::compute(std::span<Sequence* const> batch) {
  slices_.clear();
  draws_.clear();
  for (Sequence* const sequence : batch) {
    slices_.push_back(
        {std::span(sequence->tokens).subspan(sequence->computed, sequence->step_tokens),
         static_cast<std::int32_t>(sequence->computed), sequence->blocks, sequence->step_logits});
    sequence->step_drawn = decoder_draws(*sequence);
    if (!sequence->step_drawn) continue;
    draws_.push_back(row_draw(*sequence));
    slices_.back().draw = &draws_.back();
  }
  return decoder_.forward(slices_);
}

// Whether its next token is drawn by the decoder, in this step. A model's padding rows may win
// there, so it must have none.
bool EngineCore::decoder_draws(const Sequence& sequence) const {
  return decoder_.draws() && sequence.request->from_rows_alone && sequence.step_logits > 0 &&
         vocabulary_ == decoder_.shape().vocabulary;
}

base::Result<LogitRows> EngineCore::compute_timed(std::span<Sequence* const> batch) {
  const std::int64_t begin_ns = options_.clock->monotonic_ns();
  auto rows = compute(batch);
  charge(batch, options_.clock->monotonic_ns() - begin_ns);
  return rows;
}

LogitRow EngineCore::row_at(const LogitRows& rows, std::size_t index) const {
  return {rows.logits.subspan(index * decoder_.shape().vocabulary, vocabulary_), rows.max[index],
          rows.log_sum_exp[index]};
}

// Draws for every sequence whose tokens are all computed.
void EngineCore::sample(const LogitRows& rows) {
  sampler_.clear();
  for (const auto& [id, request] : scheduler_.requests()) {
    for (Sequence& choice : request->choices) {
      if (choice.closing != FinishReason::kNone || choice.step_tokens == 0) continue;
      if (choice.computed < choice.tokens.size()) continue;
      choice.step_draw = sampler_.drawn().size();
      const std::size_t row = choice.step_row + choice.step_logits - 1;
      if (choice.step_drawn) {
        sampler_.add_drawn(choice, rows.drawn[row]);
      } else {
        sampler_.add(choice, row_at(rows, row));
      }
    }
  }
  sampler_.draw_all();
}

// ---- events

void EngineCore::emit(Sequence& sequence, const LogitRows& rows, const EventSink& sink) {
  if (sequence.echo && !emit_echo(sequence, rows, sink)) return;
  if (sequence.computed < sequence.tokens.size()) return;
  emit_token(sampler_.drawn()[sequence.step_draw], sink);
}

// Gives back the prompt tokens that are due: all at once, or, when their log-probabilities are
// wanted, those the step has computed. False when the sequence ended.
bool EngineCore::emit_echo(Sequence& sequence, const LogitRows& rows, const EventSink& sink) {
  PromptEcho& echo = *sequence.echo;
  const LiveRequest& request = *sequence.request;
  const bool logprobs = request.spec.echo_logprobs;
  const std::size_t first_position = sequence.computed - sequence.step_logits;
  while (echo.next < request.prompt_tokens()) {
    if (!logprobs || echo.next == 0) {
      emit_prompt_token(sequence, nullptr, sink);
      continue;
    }
    if (echo.next > sequence.computed) return true;
    CHECK(echo.next > first_position);
    const LogitRow before = row_at(rows, sequence.step_row + echo.next - 1 - first_position);
    if (!echo_row_.scan(before.logits)) {
      emit_error(sequence, kNotFiniteError, sink);
      return false;
    }
    emit_prompt_token(sequence, &before, sink);
  }
  sequence.echo.reset();
  return true;
}

void EngineCore::emit_prompt_token(Sequence& sequence, const LogitRow* before,
                                   const EventSink& sink) {
  PromptEcho& echo = *sequence.echo;
  const TokenId token = sequence.tokens[echo.next++];
  begin_event(sequence);
  event_.prompt = true;
  event_.token = token;
  echo.utf8.push(echo.detokenizer.push(token), event_.text);
  if (echo.next == sequence.request->prompt_tokens()) echo.utf8.flush(event_.text);
  if (before != nullptr) {
    event_.has_logprob = true;
    event_.logprob = token_logprob(*before, token);
    top_logprobs(*before, echo_row_, sequence.request->spec.top_logprobs, event_.top);
  }
  sink(event_);
}

void EngineCore::emit_token(const BatchSampler::Drawn& drawn, const EventSink& sink) {
  Sequence& sequence = *drawn.sequence;
  if (!drawn.token.ok()) return emit_error(sequence, drawn.token.error().message, sink);
  const TokenId token = drawn.token.value();
  ++counts_.generated_tokens;
  begin_event(sequence);
  event_.token = token;
  if (sequence.request->spec.logprobs) {
    event_.has_logprob = true;
    event_.logprob = token_logprob(drawn.row, token);
    event_.top = drawn.top;
  }
  const FinishReason reason = sequence.output.push(token, event_.text);
  if (reason == FinishReason::kNone) {
    sequence.tokens.push_back(token);
  } else {
    finish_event(sequence, reason);
  }
  sink(event_);
}

void EngineCore::emit_closing(Sequence& sequence, const EventSink& sink) {
  begin_event(sequence);
  finish_event(sequence, std::exchange(sequence.closing, FinishReason::kNone));
  sink(event_);
}

void EngineCore::emit_error(Sequence& sequence, std::string_view error, const EventSink& sink) {
  begin_event(sequence);
  event_.error = error;
  finish_event(sequence, FinishReason::kError);
  sink(event_);
}

void EngineCore::begin_event(const Sequence& sequence) {
  event_.request = sequence.request->spec.id;
  event_.choice = sequence.choice;
  event_.token = kNoToken;
  event_.prompt = false;
  event_.text.clear();
  event_.has_logprob = false;
  event_.logprob = {};
  event_.top.clear();
  event_.finish = FinishReason::kNone;
  event_.prompt_tokens = 0;
  event_.completion_tokens = 0;
  event_.cached_prompt_tokens = 0;
  event_.device_ns = 0;
  event_.error.clear();
}

void EngineCore::finish_event(Sequence& sequence, FinishReason reason) {
  event_.finish = reason;
  event_.prompt_tokens = static_cast<std::uint32_t>(sequence.request->prompt_tokens());
  event_.completion_tokens = sequence.output.tokens();
  event_.cached_prompt_tokens = sequence.request->cached_prompt_tokens;
  event_.device_ns = sequence.device_ns;
  scheduler_.finish(sequence);
}

}  // namespace runtime
