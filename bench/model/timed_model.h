// A loaded model that runs one measure at a time.
#ifndef BENCH_MODEL_TIMED_MODEL_H_
#define BENCH_MODEL_TIMED_MODEL_H_

#include <span>
#include <string>
#include <vector>

#include "bench/model/local_model.h"
#include "bench/model/measure.h"
#include "bench/model/sequence.h"

namespace bench {

class TimedModel {
 public:
  // Plans the KV cache for the largest of `measures`; threads and backend are those of `options`.
  static base::Result<TimedModel> load(const std::string& path, std::span<const Measure> measures,
                                       LocalModelOptions options);

  // Tokens per second of one run. `measure` is no larger than one of those given to load.
  base::Result<double> run(const Measure& measure);

  const LocalModel& model() const { return model_; }

 private:
  explicit TimedModel(LocalModel model) : model_(std::move(model)) {}

  base::Result<double> run_prefill(const Measure& measure);
  base::Result<double> run_decode(const Measure& measure);
  base::Result<double> run_decode_at_context(const Measure& measure);
  base::Status fill(Sequence& sequence, std::size_t context);
  // Seconds of `steps` greedy steps of all sequences, after one that is not counted.
  base::Result<double> time_steps(std::span<Sequence> sequences, std::size_t steps);

  LocalModel model_;
};

}  // namespace bench

#endif  // BENCH_MODEL_TIMED_MODEL_H_
