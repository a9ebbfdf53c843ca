// What is said where there is no GPU, or none that can be used: on a machine without one this is
// all that can be seen of the CUDA build, and it must neither hang nor crash.
#include "kernels/cuda/driver.h"

#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "kernels/cuda/gpus.h"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/patience.h"

namespace kernels::cuda {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr DriverTraces kAll{
    .library = true, .module = true, .unified_memory = true, .control_node = true};

TEST(Driver, SaysWhatToInstallWhereItsLibraryIsMissing) {
  EXPECT_THAT(missing_library({}).reason, HasSubstr("there is no NVIDIA driver"));
  EXPECT_THAT(missing_library({.module = true}).reason, HasSubstr("libcuda1"));
  EXPECT_EQ(missing_library({}).support, GpuSupport::kNoDriver);
}

TEST(Driver, SaysWhatToDoAboutEachErrorOfTheRuntime) {
  const DriverTraces no_module{.library = true};
  const DriverTraces no_nodes{.library = true, .module = true};
  const struct {
    DriverTraces traces;
    cudaError_t error;
    int driver_version;
    GpuSupport support;
    const char* words;
  } kCases[] = {
      {no_module, cudaErrorInsufficientDriver, 0, GpuSupport::kNoDriver, "modprobe nvidia"},
      {no_module, cudaErrorNoDevice, 13000, GpuSupport::kNoDriver, "modprobe nvidia"},
      {no_nodes, cudaErrorUnknown, 13000, GpuSupport::kNoDriver, "nvidia-modprobe"},
      {kAll, cudaErrorInsufficientDriver, 12080, GpuSupport::kDriverTooOld,
       "knows CUDA 12.8 and this program needs 13.0"},
      {kAll, cudaErrorNoDevice, 13000, GpuSupport::kNoDevice, "lspci"},
      {kAll, cudaErrorSystemDriverMismatch, 13000, GpuSupport::kDriverFailed,
       "restart the machine"},
      {kAll, cudaErrorSystemNotReady, 13000, GpuSupport::kDriverFailed, "fabricmanager"},
      {kAll, cudaErrorStubLibrary, 0, GpuSupport::kNoDriver, "stub"},
      {kAll, cudaErrorECCUncorrectable, 13000, GpuSupport::kDriverFailed, "(214)"},
  };
  for (const auto& one : kCases) {
    const DriverFault fault = driver_fault(one.traces, one.error, one.driver_version, 13000);
    EXPECT_EQ(fault.support, one.support) << fault.reason;
    EXPECT_THAT(fault.reason, HasSubstr(one.words));
  }
}

TEST(Gpus, AreFoundOrTheReasonIsGiven) {
  const GpuInventory inventory = find_gpus();
  EXPECT_GE(inventory.runtime_version, 12080);
  if (inventory.support == GpuSupport::kUsable) {
    EXPECT_THAT(inventory.reason, IsEmpty());
    EXPECT_THAT(inventory.gpus, Not(IsEmpty()));
  } else {
    EXPECT_NE(inventory.support, GpuSupport::kNotBuilt);
    EXPECT_THAT(inventory.reason, Not(IsEmpty()));
  }
  std::string error;
  GpuOptions options;
  options.ordinal = 99;
  EXPECT_EQ(make_gpu_ops(options, &error), nullptr);
  EXPECT_THAT(error, Not(IsEmpty()));
}

TEST(Gpus, HaveANameForEveryKindOfSupport) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(GpuSupport::kArchitecture); ++i) {
    names.insert(gpu_support_name(static_cast<GpuSupport>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(GpuSupport::kArchitecture) + 1);
}

// Every architecture has its kernels, each under a name of its own.
TEST(KernelSets, NameEachKernelOnce) {
  for (const int capability : kCapabilities) {
    const KernelSet* const set = kernel_set_for(capability);
    ASSERT_NE(set, nullptr) << capability;
    std::set<std::string> names;
    std::set<const void*> functions;
    const auto kernels = list_kernels(*set);
    for (const Kernel* kernel : kernels) {
      EXPECT_TRUE(names.insert(kernel->name).second) << kernel->name;
      EXPECT_TRUE(functions.insert(kernel->function).second) << kernel->name;
      EXPECT_GT(kernel->argument_bytes, 0U) << kernel->name;
      // Arguments are at most 4 KiB everywhere (CUDA C++ Programming Guide, "__global__ Function
      // Parameters").
      EXPECT_LE(kernel->argument_bytes, 4096U) << kernel->name;
      // Shared memory of a block: 163 KiB on 8.0, 227 KiB on 9.0 and 10.0, 99 KiB on 8.6, 8.9
      // and 12.0 ("Technical Specifications per Compute Capability").
      const std::size_t shared_max = capability == 80 || capability == 120 ? 99 << 10 : 227 << 10;
      EXPECT_LE(kernel->shared_bytes_max, shared_max) << kernel->name << " on " << capability;
    }
    EXPECT_GT(kernels.size(), 20U);
  }
  EXPECT_EQ(kernel_set_for(75), nullptr);
}

TEST(Patience, EndsAtItsDeadlineAndNotBefore) {
  const Patience patience(50);
  timespec begin{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &begin);
  int turns = 0;
  while (patience.wait()) ++turns;
  timespec end{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &end);
  const double ms = static_cast<double>(end.tv_sec - begin.tv_sec) * 1e3 +
                    static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e6;
  EXPECT_GE(ms, 49);
  EXPECT_GT(turns, 10);
}

}  // namespace
}  // namespace kernels::cuda
