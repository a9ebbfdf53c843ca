// redoubt-bench targets DIRECTORY [--json FILE]: the results of bench/run as one table, a row for
// each target. Exit status 0 only where all are reached.
#ifndef BENCH_TARGETS_TARGETS_H_
#define BENCH_TARGETS_TARGETS_H_

namespace bench {

int run_targets(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_TARGETS_TARGETS_H_
