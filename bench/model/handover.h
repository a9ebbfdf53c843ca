// redoubt-bench handover MODEL.gguf: what an engine costs whose weights outlive it.
//
//   handover MODEL [--threads N] [--rounds N] [--measures "decode 16; prefill 256"]
//
// Two tables: how long a first engine takes to load the file, and one after it to take its weights
// over (medians of rounds); and the speed of sealed weights beside that of private ones, measured
// in turns.
#ifndef BENCH_MODEL_HANDOVER_H_
#define BENCH_MODEL_HANDOVER_H_

namespace bench {

int run_handover(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_MODEL_HANDOVER_H_
