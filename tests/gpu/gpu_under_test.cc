#include "tests/gpu/gpu_under_test.h"

#include <cstdlib>
#include <string_view>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/emulated/emulated_device.h"
#include "kernels/cuda/gpus.h"

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

std::unique_ptr<kernels::Ops> make_ops(const kernels::Limits& limits, const OpsOptions& options) {
  namespace cuda = kernels::cuda;
  std::string error;
  std::unique_ptr<kernels::Ops> ops;
  constexpr std::uint64_t kMemoryBytes = std::uint64_t{1} << 29;
  if (is_emulated()) {
    const bool sm90a = emulated_set() == "emulated-sm90a";
    auto device = cuda::make_emulated_device({.capability = sm90a ? 90 : 80});
    ops = cuda::make_cuda_ops(std::move(device), cuda::emulated_kernel_set(sm90a),
                              {.limits = limits,
                               .memory_bytes = kMemoryBytes,
                               .fp8 = options.fp8,
                               .record_steps = options.record_steps,
                               .host_threads = 2},
                              &error);
  } else {
    ops = cuda::make_gpu_ops({.limits = limits,
                              .ordinal = 0,
                              .memory_bytes = kMemoryBytes,
                              .fp8 = options.fp8,
                              .record_steps = options.record_steps,
                              .host_threads = 2,
                              .step_deadline_ms = kDeadlineMs},
                             &error);
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
