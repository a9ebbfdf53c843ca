// Times the CPU kernels on the matrices of two small
// models, against what this machine's memory can deliver.
#ifndef BENCH_KERNELS_KERNEL_BENCH_H_
#define BENCH_KERNELS_KERNEL_BENCH_H_

// Options: --threads N (default: all), --isa best|plain|avx2|avx512, --format NAME, --mib N
// (weights cycled through, default 512), --quick (each measure once, small: for tests), --json
// FILE. Prints a table; returns an exit status.
int run_kernel_bench(int argc, char** argv);

#endif  // BENCH_KERNELS_KERNEL_BENCH_H_
