// redoubt-gpu-bench: what the CUDA backend reaches on this machine's GPU. A verb per kind of work,
// a line per measurement, which bench/gpu/report.py makes a table of:
//
//   row <tab> TARGET <tab> WHAT <tab> VALUE <tab> UNIT <tab> BYTES/S <tab> FLOP/S <tab> NOTE
//
// TARGET names the aim it is held against (G1 …) or is "-"; bytes and operations are 0 where they
// do not apply. Weights are random, in true shapes: zeros would run faster.
#ifndef BENCH_GPU_GPU_BENCH_H_
#define BENCH_GPU_GPU_BENCH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernel_set.h"

namespace bench {

struct GpuRow {
  std::string target = "-";
  std::string what;
  double value = 0;
  std::string unit;
  double bytes_per_second = 0;
  double flops_per_second = 0;
  std::string note = {};
};
void print_row(const GpuRow& row);

struct OpenGpu {
  std::unique_ptr<kernels::cuda::Device> device;
  const kernels::cuda::KernelSet* kernels = nullptr;
};
// The first GPU. Says on standard error why there is none; then `device` is null.
OpenGpu open_gpu();

// Each an exit status; `quick`: fewer formats and shapes.
int bench_gpu_copy(bool quick);
int bench_gpu_linear(bool quick);
int bench_gpu_attention(bool quick);
// SHAPE: "llama-3.1-8b" or "llama-3.1-70b"; MIX as of redoubt-bench synth; fp8: floats are rounded
// to e4m3.
int bench_gpu_model(const std::string& shape, const std::string& mix, bool fp8, bool quick);

}  // namespace bench

#endif  // BENCH_GPU_GPU_BENCH_H_
