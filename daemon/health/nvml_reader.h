// Asks NVML for everything that a GpuReading holds, of every GPU, once a round; and waits for its
// events. One thread; a call that hangs hangs this process, which its supervisor ends
// (daemon/supervisor/liveness.h).
#ifndef DAEMON_HEALTH_NVML_READER_H_
#define DAEMON_HEALTH_NVML_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/health/gpu_facts.h"
#include "daemon/health/nvml_library.h"
#include "hardening/base/clock.h"

namespace daemon_health {

class NvmlReader {
 public:
  // Both are borrowed.
  NvmlReader(const NvmlLibrary& library, const base::Clock& clock);
  ~NvmlReader();
  NvmlReader(const NvmlReader&) = delete;
  NvmlReader& operator=(const NvmlReader&) = delete;

  // One round over all GPUs, with the events that came since the last one. Bounded
  // (GpuSnapshot::bound).
  GpuSnapshot read();

  enum class Waited : std::uint8_t {
    kEvent,    // one or more came: read() has them
    kNothing,  // the time is over
    kCannot,   // no events are to be had here, or not now; no time has passed
  };
  Waited wait(std::uint32_t timeout_ms);

 private:
  struct Pending {
    GpuEvent event;
    std::int64_t at_ms = 0;
  };
  struct Known {
    std::string uuid;
    bool registered = false;
    std::vector<Pending> events;
    std::uint64_t events_lost = 0;
  };

  GpuReading read_gpu(unsigned index);
  void identify(nvml::Device device, GpuReading& reading);
  void register_events(nvml::Device device);
  void take_event(const nvml::EventData& data);
  void hand_over_events(Known& known, GpuReading& reading) const;
  bool is_inforom_due(const std::string& uuid);
  std::int64_t now_ms() const { return clock_.monotonic_ns() / 1'000'000; }

  const nvml::Calls& calls_;
  const base::Clock& clock_;
  nvml::EventSet event_set_ = nullptr;
  std::map<nvml::Device, Known> known_;             // by handle, at most kDevicesMax
  std::map<unsigned, nvml::Device> by_index_;       // as of the last round in which it could be had
  std::map<std::string, std::int64_t> inforom_at_;  // when it was verified last
  std::map<std::string, bool> inforom_;
  std::uint64_t round_ = 0;
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_NVML_READER_H_
