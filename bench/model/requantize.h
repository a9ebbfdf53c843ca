// redoubt-bench requantize IN.gguf OUT.gguf --quant Q8_0: the same model with its matrices in
// another format, or in a mixture (synth/quant_mix.h).
#ifndef BENCH_MODEL_REQUANTIZE_H_
#define BENCH_MODEL_REQUANTIZE_H_

namespace bench {

int run_requantize(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_MODEL_REQUANTIZE_H_
