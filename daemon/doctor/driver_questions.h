// Asks the driver what only it knows, in processes of their own: CUDA for what this build can use,
// NVML for the cards' health.
#ifndef DAEMON_DOCTOR_DRIVER_QUESTIONS_H_
#define DAEMON_DOCTOR_DRIVER_QUESTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/health/gpu_facts.h"
#include "kernels/cuda/gpus.h"

namespace daemon_doctor {

// Nothing: no answer in time.
std::optional<kernels::cuda::GpuInventory> ask_cuda(std::int64_t deadline_ms);
// `library`: NVML's file; empty: the system's.
std::optional<daemon_health::GpuSnapshot> ask_nvml(const std::string& library,
                                                   std::int64_t deadline_ms);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_DRIVER_QUESTIONS_H_
