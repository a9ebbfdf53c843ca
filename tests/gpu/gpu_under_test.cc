#include "tests/gpu/gpu_under_test.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/emulated/emulated_device.h"
#include "kernels/cuda/gpus.h"
#include "kernels/cuda/tensor_parallel.h"

namespace gpu_test {
namespace {

std::string_view emulated_set() {
  const char* const name = std::getenv("REDOUBT_GPU_TEST");
  return name == nullptr ? "" : name;
}

constexpr std::uint32_t kDeadlineMs = 60'000;

}  // namespace

bool is_emulated() {
  return !emulated_set().empty();
}

bool is_short() {
  return is_emulated() || std::getenv("REDOUBT_GPU_TEST_SHORT") != nullptr;
}

std::string why_skipped() {
  if (is_emulated()) return {};
  const kernels::cuda::GpuInventory inventory = kernels::cuda::find_gpus();
  return inventory.support == kernels::cuda::GpuSupport::kUsable
             ? ""
             : "no GPU to test on: " + inventory.reason;
}

std::size_t gpus_alike() {
  if (is_emulated()) return 4;
  const auto gpus = kernels::cuda::find_gpus().gpus;
  std::size_t count = 0;
  while (count < gpus.size() && gpus[count].kernels == gpus.front().kernels) ++count;
  return count;
}

namespace {

namespace cuda = kernels::cuda;

constexpr std::uint64_t kMemoryBytes = std::uint64_t{1} << 29;

std::unique_ptr<kernels::Ops> make_emulated_ops(const kernels::Limits& limits,
                                                const OpsOptions& options, std::string* error) {
  const bool sm90a = emulated_set() == "emulated-sm90a";
  const cuda::KernelSet& kernels = cuda::emulated_kernel_set(sm90a);
  const cuda::CudaOpsOptions ops{.limits = limits,
                                 .memory_bytes = kMemoryBytes,
                                 .fp8 = options.fp8,
                                 .record_steps = options.record_steps,
                                 .host_threads = 2};
  std::vector<std::unique_ptr<cuda::Device>> devices;
  for (std::size_t i = 0; i < options.gpus; ++i)
    devices.push_back(cuda::make_emulated_device({.capability = sm90a ? 90 : 80}));
  return options.gpus == 1
             ? cuda::make_cuda_ops(std::move(devices.front()), kernels, ops, error)
             : cuda::make_tensor_parallel_ops(std::move(devices), kernels, ops, error);
}

}  // namespace

std::unique_ptr<kernels::Ops> make_ops(const kernels::Limits& limits, const OpsOptions& options) {
  std::string error;
  std::unique_ptr<kernels::Ops> ops;
  if (is_emulated()) {
    ops = make_emulated_ops(limits, options, &error);
  } else {
    cuda::GpuOptions gpu{.limits = limits,
                         .ordinal = 0,
                         .peers = {},
                         .memory_bytes = kMemoryBytes,
                         .fp8 = options.fp8,
                         .record_steps = options.record_steps,
                         .host_threads = 2,
                         .step_deadline_ms = kDeadlineMs};
    for (std::size_t i = 1; i < options.gpus; ++i) gpu.peers.push_back(static_cast<int>(i));
    ops = cuda::make_gpu_ops(gpu, &error);
  }
  EXPECT_NE(ops, nullptr) << error;
  return ops;
}

kernels::Limits test_limits() {
  kernels::Limits limits;
  limits.rows_max = 160;
  limits.cols_max = 2048;
  limits.heads_max = 32;
  limits.head_dim_max = 128;
  limits.context_tokens_max = 2048;
  return limits;
}

}  // namespace gpu_test
