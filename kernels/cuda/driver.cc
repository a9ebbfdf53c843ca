#include "kernels/cuda/driver.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <unistd.h>

#include "kernels/cuda/cuda_error.h"

namespace kernels::cuda {
namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

constexpr char kNoModule[] =
    "the NVIDIA kernel module is not loaded: load it (modprobe nvidia), and if that fails look in "
    "the kernel log (dmesg) for "
    "why, most often a module that was not built or signed for this kernel";
constexpr char kNoNodes[] =
    "the NVIDIA kernel module is loaded and its device nodes (/dev/nvidiactl, /dev/nvidia-uvm) are "
    "not there: run "
    "nvidia-modprobe -c 0 -u, or start nvidia-persistenced";

}  // namespace

DriverTraces look_for_driver() {
  DriverTraces traces;
  traces.module = ::access("/proc/driver/nvidia/version", F_OK) == 0;
  traces.control_node = ::access("/dev/nvidiactl", F_OK) == 0;
  traces.unified_memory = ::access("/dev/nvidia-uvm", F_OK) == 0;
  void* const library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  traces.library = library != nullptr;
  if (library != nullptr) (void)::dlclose(library);
  return traces;
}

DriverFault missing_library(const DriverTraces& traces) {
  if (traces.module) {
    return {GpuSupport::kNoDriver,
            "the NVIDIA kernel module is loaded and its library libcuda.so.1 is not installed: "
            "install the driver's package "
            "for compute (libcuda1), of the module's version"};
  }
  return {GpuSupport::kNoDriver,
          "there is no NVIDIA driver on this machine (libcuda.so.1): install one"};
}

DriverFault driver_fault(const DriverTraces& traces, int error, int driver_version,
                         int runtime_version) {
  switch (static_cast<cudaError_t>(error)) {
    case cudaErrorInsufficientDriver:
      if (driver_version == 0) return {GpuSupport::kNoDriver, traces.module ? kNoNodes : kNoModule};
      return {GpuSupport::kDriverTooOld,
              "the NVIDIA driver knows CUDA " + version_text(driver_version) +
                  " and this program needs " + version_text(runtime_version) +
                  ": install a newer driver"};
    case cudaErrorNoDevice:
      if (!traces.module) return {GpuSupport::kNoDriver, kNoModule};
      return {GpuSupport::kNoDevice,
              "the NVIDIA driver shows no GPU: see whether one is listed by lspci -d 10de: and by "
              "nvidia-smi, and whether "
              "CUDA_VISIBLE_DEVICES is set"};
    case cudaErrorSystemDriverMismatch:
      return {GpuSupport::kDriverFailed,
              "the NVIDIA kernel module and its libraries are of different versions: restart the "
              "machine, so that the "
              "module that was installed is the one that runs"};
    case cudaErrorSystemNotReady:
      return {GpuSupport::kDriverFailed,
              "the NVIDIA driver is not ready: on machines with NVSwitch start "
              "nvidia-fabricmanager, of the driver's "
              "version"};
    case cudaErrorCompatNotSupportedOnDevice:
      return {GpuSupport::kDriverTooOld,
              "CUDA's compatibility libraries do not serve this GPU: install a driver that knows "
              "CUDA " +
                  version_text(runtime_version)};
    case cudaErrorStubLibrary:
      return {GpuSupport::kNoDriver,
              "the libcuda.so.1 that was found is the toolkit's stub: take its folder out of the "
              "library path"};
    case cudaErrorDevicesUnavailable:
      return {GpuSupport::kDriverFailed,
              "every GPU is in use by another process, or forbidden by its compute mode: "
              "nvidia-smi says by which"};
    default:
      break;
  }
  if (traces.module && !(traces.control_node && traces.unified_memory))
    return {GpuSupport::kNoDriver, kNoNodes};
  if (!traces.module) return {GpuSupport::kNoDriver, kNoModule};
  return {GpuSupport::kDriverFailed,
          "the NVIDIA driver failed: " +
              cuda_error_text("cudaGetDeviceCount", "", static_cast<cudaError_t>(error))};
}

}  // namespace kernels::cuda
