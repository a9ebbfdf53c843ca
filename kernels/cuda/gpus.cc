#include "kernels/cuda/gpus.h"

namespace kernels::cuda {

const char* gpu_support_name(GpuSupport support) {
  switch (support) {
    case GpuSupport::kUsable:
      return "usable";
    case GpuSupport::kNotBuilt:
      return "not_built";
    case GpuSupport::kNoDriver:
      return "no_driver";
    case GpuSupport::kDriverTooOld:
      return "driver_too_old";
    case GpuSupport::kNoDevice:
      return "no_device";
    case GpuSupport::kDriverFailed:
      return "driver_failed";
    case GpuSupport::kArchitecture:
      return "architecture";
  }
  return "unknown";
}

}  // namespace kernels::cuda
