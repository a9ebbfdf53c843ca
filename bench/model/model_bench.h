// redoubt-bench model MODEL.gguf: prefill and decode, in tokens per second, medians of repetitions.
#ifndef BENCH_MODEL_MODEL_BENCH_H_
#define BENCH_MODEL_MODEL_BENCH_H_

namespace bench {

int run_model_bench(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_MODEL_MODEL_BENCH_H_
