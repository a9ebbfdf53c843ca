// redoubt-bench model MODEL.gguf: prefill and decode in tokens per second, and what share of the
// machine that is.
//
//   model MODEL [--measures "prefill 512; decode 32; …"] [--repetitions N] [--threads N]
//         [--backend NAME] [--weights sealed|private] [--limits FILE] [--json FILE]
//
// Medians of repetitions. --limits: what `redoubt-bench limits --json` wrote; without it the limits
// are measured first.
#ifndef BENCH_MODEL_MODEL_BENCH_H_
#define BENCH_MODEL_MODEL_BENCH_H_

#include "bench/limits/limits.h"
#include "bench/model/local_model.h"
#include "hardening/base/json.h"

namespace bench {

int run_model_bench(int argc, char** argv);

// What a table needs to know of a loaded model: kernel set, bytes, operations, memory.
base::Json describe_model(const LocalModel& model);

// Operations per second that the vector units could do of this model's layers: formats mixed as
// the model mixes them. 0 when a bound is not known.
double mixed_bound(const MachineLimits& limits, std::string_view kernel_set, const ModelWork& work);

}  // namespace bench

#endif  // BENCH_MODEL_MODEL_BENCH_H_
