// What is wrong with the GPUs, as far as can be told, and the mend of each fault. A pure function.
//
// Faults follow from each other (no module: no nodes, no NVML, no CUDA), so the first cause is
// named and what hangs on it is left out.
#ifndef DAEMON_DOCTOR_GPU_CHECKS_H_
#define DAEMON_DOCTOR_GPU_CHECKS_H_

#include <optional>
#include <string>
#include <vector>

#include "daemon/doctor/finding.h"
#include "daemon/doctor/nvidia_view.h"
#include "daemon/health/gpu_facts.h"
#include "kernels/cuda/gpus.h"

namespace daemon_doctor {

struct GpuEvidence {
  NvidiaView files;
  // What the CUDA driver answered; nothing: it did not answer in time.
  std::optional<kernels::cuda::GpuInventory> cuda;
  // What NVML answered; nothing: it did not answer in time, or there was no reason to ask.
  std::optional<daemon_health::GpuSnapshot> nvml;
  bool wanted = false;  // the configuration says that a GPU is to compute
  bool running_as_root = false;
  std::vector<std::uint32_t> ours;  // processes of the service: they may be on a GPU
};

Findings check_gpus(const GpuEvidence& evidence);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_GPU_CHECKS_H_
