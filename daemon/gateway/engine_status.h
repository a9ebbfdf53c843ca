// What workers may know of the engine: whether it can be asked, and the facts of its model.
#ifndef DAEMON_GATEWAY_ENGINE_STATUS_H_
#define DAEMON_GATEWAY_ENGINE_STATUS_H_

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/ipc/messages.h"

namespace daemon_gateway {

struct EngineSnapshot {
  std::optional<daemon_ipc::Hello> model;  // set while an engine is ready
  std::string reason;                      // why it is not
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

 private:
  mutable std::mutex mutex_;
  EngineSnapshot snapshot_{std::nullopt, "the engine is starting"};
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ENGINE_STATUS_H_
