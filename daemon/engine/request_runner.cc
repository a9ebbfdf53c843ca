#include "daemon/engine/request_runner.h"

#include <unordered_map>
#include <utility>

namespace daemon_engine {
namespace {

using base::Status;

// The id of a request is its index and one.
class Run {
 public:
  Run(runtime::Engine& engine, const RequestSource& source) : engine_(engine), source_(source) {}

  Status submit(std::size_t index) {
    runtime::GenerationRequest request = TRY(source_.make(index));
    request.id = index + 1;
    request.tenant = 0;
    request.choices = 1;
    TRY(engine_.submit(std::move(request)));
    answers_.try_emplace(index + 1);
    return {};
  }

  Status step() {
    Status status;
    TRY(engine_.step([this, &status](const runtime::GenerationEvent& event) {
      if (status.ok()) status = take(event);
    }));
    return status;
  }

  std::size_t running() const { return answers_.size(); }

 private:
  Status take(const runtime::GenerationEvent& event) {
    const auto found = answers_.find(event.request);
    if (found == answers_.end()) return {};
    Answer& answer = found->second;
    if (event.token != runtime::kNoToken) {
      auto& tokens = event.prompt ? answer.prompt : answer.generated;
      tokens.push_back({event.token, event.logprob.logprob,
                        event.top.empty() ? runtime::kNoToken : event.top[0].token});
    }
    if (!event.prompt) answer.text += event.text;
    if (event.finish == runtime::FinishReason::kNone) return {};
    if (event.finish == runtime::FinishReason::kError)
      return base::denied("the model fails: " + event.error);
    const Answer whole = std::move(answer);
    answers_.erase(found);
    return source_.take(static_cast<std::size_t>(event.request - 1), whole);
  }

  runtime::Engine& engine_;
  const RequestSource& source_;
  std::unordered_map<std::uint64_t, Answer> answers_;
};

}  // namespace

Status run_requests(runtime::Engine& engine, std::size_t window, const RequestSource& source) {
  Run run(engine, source);
  std::size_t next = 0;
  while (next < source.count || run.running() > 0) {
    while (next < source.count && run.running() < window) TRY(run.submit(next++));
    TRY(run.step());
  }
  return {};
}

}  // namespace daemon_engine
