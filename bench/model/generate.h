// redoubt-bench generate MODEL.gguf --tokens "1 2 3" [--count N]: greedy continuation, token ids on one line.
#ifndef BENCH_MODEL_GENERATE_H_
#define BENCH_MODEL_GENERATE_H_

namespace bench {

int run_generate(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_MODEL_GENERATE_H_
