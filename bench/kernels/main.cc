#include "bench/kernels/kernel_bench.h"

int main(int argc, char** argv) {
  return run_kernel_bench(argc, argv);
}
