// The health role's loop: a round over the GPUs in every interval and at once upon an event, each
// told to the supervisor, whose pings are answered in between. One thread: an NVML call that hangs
// leaves the pings unanswered, and that is what ends us.
#ifndef DAEMON_HEALTH_HEALTH_WATCH_H_
#define DAEMON_HEALTH_HEALTH_WATCH_H_

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/health/gpu_facts.h"
#include "daemon/health/nvml_reader.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/clock.h"
#include "hardening/base/result.h"

namespace daemon_health {

class HealthWatch {
 public:
  struct Parts {
    NvmlReader* reader = nullptr;  // null: there is no library, and `missing` says why
    GpuSnapshot missing;
    const base::Clock& clock;
    std::uint32_t poll_interval_ms = 1'000;
  };
  HealthWatch(Parts parts, daemon_ipc::Channel control)
      : parts_(std::move(parts)), control_(std::move(control)) {}

  // Sends `ready` with this report, then goes on until the supervisor is gone.
  base::Status run(const base::Json& report);

 private:
  base::Status turn();
  base::Status read_control();
  base::Status tell();
  base::Status send(const daemon_ipc::Message& message);
  GpuSnapshot look();
  void wait(std::int64_t for_ms);
  void pause(std::int64_t for_ms) const;
  std::int64_t now_ms() const { return parts_.clock.monotonic_ns() / 1'000'000; }
  // Where there is nothing to see, a sign of life now and then is enough.
  std::int64_t interval_ms() const;

  Parts parts_;
  daemon_ipc::Channel control_;
  std::optional<GpuSnapshot> unsent_;  // its events are still to be told
  std::uint64_t rounds_ = 0;
  std::int64_t next_ms_ = 0;
  bool event_ = false;
  bool ended_ = false;
};

// What `former` had to say of events is told with `next`. Of GPUs that have gone meanwhile nothing
// is.
void carry_over_events(const GpuSnapshot& former, GpuSnapshot& next);

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_HEALTH_WATCH_H_
