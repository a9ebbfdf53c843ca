// Runs many requests through an engine, as many at a time as it takes, and keeps what comes back
// for each.
#ifndef DAEMON_ENGINE_REQUEST_RUNNER_H_
#define DAEMON_ENGINE_REQUEST_RUNNER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/request.h"

namespace daemon_engine {

// All a request of one choice has brought.
struct Answer {
  struct Token {
    runtime::TokenId token = runtime::kNoToken;
    float logprob = 0;                               // where it was asked for
    runtime::TokenId likeliest = runtime::kNoToken;  // with top_logprobs
  };
  std::vector<Token> prompt;     // what was echoed
  std::vector<Token> generated;  // the token that ended it included
  std::string text;              // of what was generated
};

struct RequestSource {
  std::size_t count = 0;
  // Request `index`, made when there is a place for it. Its id and tenant are set by the runner.
  std::function<base::Result<runtime::GenerationRequest>(std::size_t index)> make;
  // Its answer, in no fixed order. A failure ends the run.
  std::function<base::Status(std::size_t index, const Answer& answer)> take;
};

// Nothing else uses the engine meanwhile, and it takes `window` requests; after a failure some may
// still be in it. kDevice when the decoder fails, kDenied when a request ends in an error (logits
// that are no numbers).
base::Status run_requests(runtime::Engine& engine, std::size_t window, const RequestSource& source);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_REQUEST_RUNNER_H_
