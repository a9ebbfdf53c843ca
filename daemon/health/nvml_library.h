// NVIDIA's management library, loaded at run time (libnvidia-ml.so.1, which comes with the driver).
#ifndef DAEMON_HEALTH_NVML_LIBRARY_H_
#define DAEMON_HEALTH_NVML_LIBRARY_H_

#include <memory>
#include <string>
#include <string_view>

#include "daemon/health/gpu_facts.h"
#include "daemon/health/nvml_abi.h"
#include "hardening/base/result.h"

namespace daemon_health {

inline constexpr const char* kNvmlLibrary = "libnvidia-ml.so.1";

NvmlStatus nvml_status(nvml::Return code);
std::string_view nvml_return_name(
    nvml::Return code);  // "GPU_IS_LOST"; "of an unknown kind" for numbers not listed

class NvmlLibrary {
 public:
  // Loads and initialises it. kNotFound: it is not there; kUnsupported: it lacks what cannot be
  // done without; kUnavailable: there is no driver; kDevice: anything else, with the code's name.
  // Runs code of the library's with this process's rights.
  static base::Result<std::unique_ptr<NvmlLibrary>> open(const std::string& path);
  ~NvmlLibrary();
  NvmlLibrary(const NvmlLibrary&) = delete;
  NvmlLibrary& operator=(const NvmlLibrary&) = delete;

  const nvml::Calls& calls() const { return calls_; }

 private:
  explicit NvmlLibrary(void* handle) : handle_(handle) {}
  base::Status resolve();

  void* handle_;
  nvml::Calls calls_{};
  bool initialised_ = false;
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_NVML_LIBRARY_H_
