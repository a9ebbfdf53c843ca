#include "daemon/replay/replay_run.h"

#include <unordered_map>
#include <utility>

namespace daemon_replay {
namespace {

using base::Status;
using runtime::GenerationEvent;
using runtime::GenerationRequest;

class Run {
 public:
  Run(runtime::Engine& engine, std::size_t window, const ReplaySource& source)
      : engine_(engine), window_(window), source_(source) {}

  Status all() {
    while (next_ < source_.count || !asked_.empty() || !waiting_.empty()) {
      TRY(fill());
      if (asked_.empty()) continue;
      TRY(engine_.step([this](const GenerationEvent& event) { take(event); }));
    }
    return {};
  }

 private:
  struct Item {
    std::vector<ReplayedChoice> choices;
    std::size_t open = 0;
  };
  // One prompt in the engine.
  struct Asked {
    std::size_t item;
    std::size_t first_choice;
    std::size_t open;
  };

  Status fill() {
    for (;;) {
      if (waiting_.empty()) {
        if (next_ == source_.count) return {};
        waiting_ = TRY(source_.make(next_));
        if (waiting_.empty()) {
          ++next_;
          continue;
        }
      }
      if (!asked_.empty() && asked_.size() + waiting_.size() > window_) return {};
      const std::size_t index = next_++;
      const Status submitted = submit(index, std::exchange(waiting_, {}));
      if (!submitted.ok()) source_.refuse(index, submitted.error());
    }
  }

  Status submit(std::size_t index, std::vector<GenerationRequest> prompts) {
    const std::uint64_t first_id = last_id_ + 1;
    Item item;
    for (GenerationRequest& prompt : prompts) {
      prompt.id = ++last_id_;
      prompt.tenant = 0;
      const Asked asked = {index, item.choices.size(), prompt.choices};
      item.choices.resize(item.choices.size() + prompt.choices);
      Status submitted = engine_.submit(std::move(prompt));
      if (!submitted.ok()) {
        for (std::uint64_t id = first_id; id < last_id_; ++id) forget(id);
        return submitted;
      }
      asked_[last_id_] = asked;
    }
    item.open = item.choices.size();
    items_[index] = std::move(item);
    return {};
  }

  void forget(std::uint64_t id) {
    engine_.cancel(id);
    asked_.erase(id);
  }

  void take(const GenerationEvent& event) {
    const auto asked = asked_.find(event.request);
    if (asked == asked_.end()) return;  // forgotten
    const auto item = items_.find(asked->second.item);
    ReplayedChoice& choice = item->second.choices[asked->second.first_choice + event.choice];
    if (event.token != runtime::kNoToken && !event.prompt) choice.tokens.push_back(event.token);
    if (event.finish == runtime::FinishReason::kNone) return;
    choice.finish = event.finish;
    if (--asked->second.open == 0) asked_.erase(asked);
    if (--item->second.open > 0) return;
    const auto done = items_.extract(item);
    source_.take(done.key(), done.mapped().choices);
  }

  runtime::Engine& engine_;
  const std::size_t window_;
  const ReplaySource& source_;
  std::size_t next_ = 0;
  std::uint64_t last_id_ = 0;
  std::vector<GenerationRequest> waiting_;  // made, no place yet
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::unordered_map<std::size_t, Item> items_;
};

}  // namespace

Status run_replay(runtime::Engine& engine, std::size_t window, const ReplaySource& source) {
  return Run(engine, window, source).all();
}

}  // namespace daemon_replay
