#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/gpu/gpu_bench.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/gpus.h"
#include "kernels/cuda/kernel_list.h"

namespace bench {

void print_row(const GpuRow& row) {
  std::printf("row\t%s\t%s\t%.6g\t%s\t%.6g\t%.6g\t%s\n", row.target.c_str(), row.what.c_str(),
              row.value, row.unit.c_str(), row.bytes_per_second, row.flops_per_second,
              row.note.c_str());
  std::fflush(stdout);
}

OpenGpu open_gpu() {
  namespace cuda = kernels::cuda;
  constexpr std::uint32_t kDeadlineMs = 60'000;
  OpenGpu open;
  const cuda::GpuInventory inventory = cuda::find_gpus();
  if (inventory.support != cuda::GpuSupport::kUsable) {
    std::fprintf(stderr, "no GPU to measure: %s\n", inventory.reason.c_str());
    return open;
  }
  open.kernels = cuda::kernel_set_for(inventory.gpus.front().capability);
  if (open.kernels == nullptr) {
    std::fprintf(stderr, "no kernels for the first GPU, %s\n", inventory.gpus.front().name.c_str());
    return open;
  }
  std::string error;
  open.device = cuda::open_cuda_device({.ordinal = 0, .deadline_ms = kDeadlineMs},
                                       cuda::list_kernels(*open.kernels), &error);
  if (open.device == nullptr) std::fprintf(stderr, "the GPU does not open: %s\n", error.c_str());
  return open;
}

namespace {

// "NAME<tab>VALUE" lines about the first GPU; 77 when there is none.
int print_facts() {
  const kernels::cuda::GpuInventory inventory = kernels::cuda::find_gpus();
  if (inventory.support != kernels::cuda::GpuSupport::kUsable) {
    std::fprintf(stderr, "%s\n", inventory.reason.c_str());
    return 77;
  }
  const kernels::cuda::Gpu& gpu = inventory.gpus.front();
  std::printf(
      "name\t%s\ncapability\t%d\nprocessors\t%u\nmemory\t%llu\nkernels\t%s\ndriver\t%d\nruntime\t%"
      "d\ngpus\t%zu\n",
      gpu.name.c_str(), gpu.capability, gpu.processors,
      static_cast<unsigned long long>(gpu.memory_bytes), gpu.kernels.c_str(),
      inventory.driver_version, inventory.runtime_version, inventory.gpus.size());
  return 0;
}

int usage() {
  std::fputs(
      "usage: redoubt-gpu-bench facts\n"
      "       redoubt-gpu-bench copy|linear|attention [--quick]\n"
      "       redoubt-gpu-bench model SHAPE MIX [--fp8] [--quick]\n",
      stderr);
  return 2;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::vector<std::string> words;
  bool quick = false;
  bool fp8 = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      quick = true;
    } else if (word == "--fp8") {
      fp8 = true;
    } else {
      words.push_back(word);
    }
  }
  if (words.size() == 1 && words[0] == "facts") return bench::print_facts();
  if (words.size() == 1 && words[0] == "copy") return bench::bench_gpu_copy(quick);
  if (words.size() == 1 && words[0] == "linear") return bench::bench_gpu_linear(quick);
  if (words.size() == 1 && words[0] == "attention") return bench::bench_gpu_attention(quick);
  if (words.size() == 3 && words[0] == "model")
    return bench::bench_gpu_model(words[1], words[2], fp8, quick);
  return bench::usage();
}
