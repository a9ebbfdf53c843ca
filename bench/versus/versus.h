// redoubt-bench versus MODEL.gguf: our engine and llama.cpp on the same model, in turns.
//
//   versus MODEL --peer PYTHON[,PYTHON…] [--script bench/peers.py] [--measures LIST] [--rounds N]
//          [--threads N] [--pilot yes] [--json FILE]
//
// Each PYTHON has a build of llama-cpp-python; each is run with flash attention off and on, with
// plain and repacked weights, every variant in a process of its own. For each measure the variant
// with the best median counts.
#ifndef BENCH_VERSUS_VERSUS_H_
#define BENCH_VERSUS_VERSUS_H_

namespace bench {

int run_versus(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_VERSUS_VERSUS_H_
