// The engine itself: the scheduler chooses, the decoder computes, the sampler draws, and what it
// drew becomes events.
#ifndef RUNTIME_ENGINE_ENGINE_CORE_H_
#define RUNTIME_ENGINE_ENGINE_CORE_H_

#include <span>
#include <utility>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/engine/batch_sampler.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/logprobs.h"
#include "runtime/engine/request_check.h"
#include "runtime/engine/scheduler.h"

namespace runtime {

class EngineCore final : public Engine {
 public:
  // Options are checked (Engine::create).
  EngineCore(const EngineOptions& options, Decoder& decoder, const Tokenizer& tokenizer);

  void on_start(StartSink sink) override { start_sink_ = std::move(sink); }
  base::Status submit(GenerationRequest request) override;
  void cancel(std::uint64_t request) override;
  bool has_work() const override { return !scheduler_.requests().empty(); }
  base::Status step(const EventSink& sink) override;
  EngineStats stats() const override;

 private:
  void announce(std::span<Sequence* const> batch);
  void close_cancelled();
  base::Result<LogitRows> compute(std::span<Sequence* const> batch);
  base::Result<LogitRows> compute_timed(std::span<Sequence* const> batch);
  bool decoder_draws(const Sequence& sequence) const;
  LogitRow row_at(const LogitRows& rows, std::size_t index) const;

  void sample(const LogitRows& rows);
  void emit(Sequence& sequence, const LogitRows& rows, const EventSink& sink);
  bool emit_echo(Sequence& sequence, const LogitRows& rows, const EventSink& sink);
  void emit_prompt_token(Sequence& sequence, const LogitRow* before, const EventSink& sink);
  void emit_token(const BatchSampler::Drawn& drawn, const EventSink& sink);
  void emit_closing(Sequence& sequence, const EventSink& sink);
  void emit_error(Sequence& sequence, std::string_view error, const EventSink& sink);

  void begin_event(const Sequence& sequence);
  void finish_event(Sequence& sequence, FinishReason reason);

  EngineOptions options_;
  StartSink start_sink_;
  Decoder& decoder_;
  const Tokenizer& tokenizer_;
  std::size_t vocabulary_;  // of the tokenizer; a model may have padding rows behind it
  RequestBounds bounds_;
  Scheduler scheduler_;
  BatchSampler sampler_;
  LogitRowBlocks echo_row_;
  std::vector<SequenceSlice> slices_;
  std::vector<kernels::SampleRow> draws_;  // what slices_ point to
  GenerationEvent event_;  // one for all, so that its texts keep their memory
  EngineStats counts_;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_ENGINE_CORE_H_
