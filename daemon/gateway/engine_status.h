// What workers may know beyond their own request: whether the engine can be asked, the facts of its
// model, and how loaded this server is.
#ifndef DAEMON_GATEWAY_ENGINE_STATUS_H_
#define DAEMON_GATEWAY_ENGINE_STATUS_H_

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
};

// Written by the event loop, read by workers.
class EngineStatus {
 public:
  EngineSnapshot get() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  void set(EngineSnapshot snapshot) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
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
  EngineSnapshot snapshot_{EnginePhase::kStarting, std::nullopt, "the engine is starting"};
  Load load_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ENGINE_STATUS_H_
