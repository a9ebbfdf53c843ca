// Replays what a log says of requests on an engine that serves the same model.
#ifndef DAEMON_REPLAY_REPLAY_SESSION_H_
#define DAEMON_REPLAY_REPLAY_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/engine/prompt.h"
#include "daemon/replay/recorded_log.h"
#include "daemon/replay/recorded_texts.h"
#include "daemon/replay/verdict.h"
#include "hardening/base/result.h"
#include "runtime/engine/engine.h"

namespace daemon_replay {

// What answers; borrows.
struct ReplayEngine {
  runtime::Engine& engine;  // nobody else's
  std::size_t window;       // prompts it takes
  daemon_engine::PromptTools tools;
  std::string_view model_digest;
  std::string_view kernels;
};

struct Replayed {
  std::uint64_t finished = 0;  // the record of its end
  std::string id;              // empty: its records cannot be read
  Verdict verdict;
};

// Each of `finished` gets one verdict, in no fixed order. An Error is
// the engine's: kDevice.
base::Status replay_requests(const ReplayEngine& engine, const RecordedLog& log,
                             const RecordedTexts& texts, std::span<const FinishedRequest> finished,
                             const std::function<void(const Replayed&)>& report);

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_REPLAY_SESSION_H_
