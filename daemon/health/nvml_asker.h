// One GPU's turn in a round: every call's return code is judged in one place, and a GPU that is
// lost, hangs or must be reset is asked no more.
#ifndef DAEMON_HEALTH_NVML_ASKER_H_
#define DAEMON_HEALTH_NVML_ASKER_H_

#include <cstdint>
#include <optional>

#include "daemon/health/gpu_facts.h"
#include "daemon/health/nvml_library.h"

namespace daemon_health {

class NvmlAsker {
 public:
  explicit NvmlAsker(nvml::Device device) : device_(device) {}

  // False: the value could not be had.
  template <typename Function, typename... Arguments>
  bool ask(Function* function, Arguments... arguments) {
    if (function == nullptr || over_) return false;
    return note(function(device_, arguments...), false);
  }
  // The same of a call that every GPU answers: an error that means nothing in particular is told.
  template <typename Function, typename... Arguments>
  bool must(Function* function, Arguments... arguments) {
    if (function == nullptr || over_) return false;
    return note(function(device_, arguments...), true);
  }

  // A number, by a call whose last argument is where it goes.
  template <typename Function, typename... Arguments>
  std::optional<std::uint32_t> number(Function* function, Arguments... arguments) {
    unsigned value = 0;
    if (!ask(function, arguments..., &value)) return std::nullopt;
    return value;
  }

  bool note(nvml::Return code, bool tells_errors) {
    const NvmlStatus status = nvml_status(code);
    const bool ends = status == NvmlStatus::kGpuIsLost || status == NvmlStatus::kResetRequired ||
                      status == NvmlStatus::kTimeout;
    over_ = over_ || ends;
    if (ends || (tells_errors && status == NvmlStatus::kError && status_ == NvmlStatus::kOk))
      status_ = status;
    return status == NvmlStatus::kOk;
  }

  nvml::Device device() const { return device_; }
  NvmlStatus status() const { return status_; }

 private:
  nvml::Device device_;
  NvmlStatus status_ = NvmlStatus::kOk;
  bool over_ = false;
};

// Everything but its identity and its events.
void read_values(const nvml::Calls& calls, NvmlAsker& asker, GpuReading& reading);

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_NVML_ASKER_H_
