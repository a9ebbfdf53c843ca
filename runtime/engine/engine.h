// The continuous-batching engine: takes requests, runs steps, gives events.
//
// One thread owns it: it submits, cancels and steps. Memory is planned at creation; admission
// refuses with numbers; a step allocates nothing that grows with the tokens made so far.
#ifndef RUNTIME_ENGINE_ENGINE_H_
#define RUNTIME_ENGINE_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "hardening/base/clock.h"
#include "hardening/base/result.h"
#include "runtime/engine/request.h"
#include "runtime/model/decoder.h"
#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

struct EngineOptions {
  std::size_t sequences_max = 16;  // choices generating at one time
  std::size_t queue_max = 256;     // requests waiting for a place; more are refused (kUnavailable)
  std::size_t step_tokens_max =
      512;  // rows of one step: prefill is cut into chunks of what decode leaves
  bool prefix_cache = true;
  // For GenerationEvent::device_ns; outlives the engine. Null: nobody asks, and it stays 0.
  const base::Clock* clock = nullptr;
};

struct EngineStats {
  std::uint64_t steps = 0;
  std::uint64_t prompt_tokens = 0;  // computed, not cached
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t requests_finished = 0;
  std::uint64_t preemptions = 0;
  std::uint32_t running = 0;        // sequences
  std::uint32_t waiting = 0;        // requests
  std::uint32_t blocks_used = 0;    // KV blocks held by running sequences
  std::uint32_t blocks_cached = 0;  // held by the prefix cache alone, free for the taking
  std::uint32_t blocks_total = 0;
};

class Engine {
 public:
  using EventSink = std::function<void(const GenerationEvent&)>;

  // Decoder and tokenizer outlive the engine.
  static base::Result<std::unique_ptr<Engine>> create(const EngineOptions& options,
                                                      Decoder& decoder, const Tokenizer& tokenizer);
  virtual ~Engine() = default;

  // Called with each request, once, before the first forward pass that it is part of: should that
  // pass end the process, it is known who was in it.
  using StartSink = std::function<void(std::uint64_t request)>;
  virtual void on_start(StartSink sink) = 0;

  // kInvalidInput or kExhausted (never fits: says how many tokens or blocks it needs and how many
  // there are) or kUnavailable (the queue is full). Nothing is kept on failure.
  virtual base::Status submit(GenerationRequest request) = 0;

  // Ends a request: each open choice gets a closing event with kCancelled at the next step. Unknown
  // ids are ignored: the request may just have finished.
  virtual void cancel(std::uint64_t request) = 0;

  // Whether step() has something to do.
  virtual bool has_work() const = 0;

  // Runs one forward pass and samples; calls sink for each event, in a fixed order (request,
  // choice). The event is borrowed for the call, in which the engine must not be called. Fails with
  // kDevice only, after which the engine is to be thrown away.
  virtual base::Status step(const EventSink& sink) = 0;

  virtual EngineStats stats() const = 0;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_ENGINE_H_
