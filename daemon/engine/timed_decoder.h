// A decoder with a stopwatch and a light: how much of the engine's time is the model's, and whether a forward
// pass is running right now.
#ifndef DAEMON_ENGINE_TIMED_DECODER_H_
#define DAEMON_ENGINE_TIMED_DECODER_H_

#include "daemon/progress/progress_page.h"
#include "hardening/base/clock.h"
#include "runtime/model/decoder.h"

namespace daemon_engine {

class TimedDecoder final : public runtime::Decoder {
 public:
  // All outlive it; `progress` may be null.
  TimedDecoder(runtime::Decoder& decoder, const base::Clock& clock,
               daemon_progress::ProgressWriter* progress)
      : decoder_(decoder), clock_(clock), progress_(progress) {}

  const runtime::DecoderShape& shape() const override { return decoder_.shape(); }
  base::Result<runtime::LogitRows> forward(
      std::span<const runtime::SequenceSlice> slices) override {
    const std::int64_t begin_ns = clock_.monotonic_ns();
    if (progress_ != nullptr) progress_->begin();
    auto rows = decoder_.forward(slices);
    if (progress_ != nullptr) progress_->end();
    model_ns_ += clock_.monotonic_ns() - begin_ns;
    return rows;
  }
  base::Status copy_block(std::int32_t from, std::int32_t to) override {
    return decoder_.copy_block(from, to);
  }
  bool draws() const override { return decoder_.draws(); }
  std::size_t host_threads() const override { return decoder_.host_threads(); }

  // Spent in forward() so far.
  std::int64_t model_ns() const { return model_ns_; }

 protected:
  void run_on_host(std::size_t tasks, HostTask run, const void* context) override {
    decoder_.for_each_on_host(tasks, [run, context](std::size_t task) { run(context, task); });
  }

 private:
  runtime::Decoder& decoder_;
  const base::Clock& clock_;
  daemon_progress::ProgressWriter* progress_;
  std::int64_t model_ns_ = 0;
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_TIMED_DECODER_H_
