// What workers may know beyond their own request: whether the engine can be asked, the facts of its
// model, and how loaded this server is.
#ifndef DAEMON_GATEWAY_ENGINE_STATUS_H_
#define DAEMON_GATEWAY_ENGINE_STATUS_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/gateway/admission.h"
#include "daemon/ipc/messages.h"

namespace daemon_gateway {

enum class EnginePhase : std::uint8_t {
  kStarting,  // there has been none yet
  kReady,
  kRecovering,  // it went away; the next one goes on with what it was asked
  kDegraded,    // it keeps failing
};

struct EngineSnapshot {
  EnginePhase phase = EnginePhase::kStarting;
  std::optional<daemon_ipc::Hello> model;  // set while requests are taken
  std::string reason;                      // why it is not ready
  bool imminent = false;                   // it will be, in a matter of milliseconds
};

// Written by the event loop, read by workers.
class EngineStatus {
 public:
  EngineSnapshot get() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  // The same, but waits for what is imminent.
  EngineSnapshot get_settled(std::chrono::milliseconds patience) const {
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, patience, [this] { return !snapshot_.imminent; });
    return snapshot_;
  }
  void set(EngineSnapshot snapshot) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
    changed_.notify_all();
  }

  Load load() const {
    const std::lock_guard lock(mutex_);
    return load_;
  }
  void set_load(Load load) {
    const std::lock_guard lock(mutex_);
    load_ = load;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  EngineSnapshot snapshot_{EnginePhase::kStarting, std::nullopt, "the engine is starting", false};
  Load load_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ENGINE_STATUS_H_
