// `redoubt-bench synth`: writes a synthetic model to a file.
#ifndef BENCH_SYNTH_SYNTH_H_
#define BENCH_SYNTH_SYNTH_H_

namespace bench {

// synth --shape NAME --quant NAME [--seed N] -o FILE; argv[0] is not looked at. Returns an exit
// status.
int run_synth(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_SYNTH_SYNTH_H_
