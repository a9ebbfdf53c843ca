// Asks an engine many recorded requests again, as many at a time as it takes.
#ifndef DAEMON_REPLAY_REPLAY_RUN_H_
#define DAEMON_REPLAY_REPLAY_RUN_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "daemon/replay/verdict.h"
#include "hardening/base/result.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/request.h"

namespace daemon_replay {

struct ReplaySource {
  std::size_t count = 0;
  // The prompts of item `index`, made when there is a place for them; empty: it is not asked. Ids
  // and tenants are set by the run. A failure ends the run.
  std::function<base::Result<std::vector<runtime::GenerationRequest>>(std::size_t index)> make;
  // The engine does not take one of its prompts.
  std::function<void(std::size_t index, const base::Error& why)> refuse;
  // Its choices, those of the first prompt first; items come in no fixed order.
  std::function<void(std::size_t index, const std::vector<ReplayedChoice>& choices)> take;
};

// Nothing else uses the engine, and it takes `window` prompts. kDevice when the decoder fails.
base::Status run_replay(runtime::Engine& engine, std::size_t window, const ReplaySource& source);

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_REPLAY_RUN_H_
