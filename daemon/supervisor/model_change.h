// The activation that somebody asked for: how far it is, and what came of it. It goes on whether or
// not anybody waits, and is remembered until the next.
//
//                     ┌─► stopping ─┐ (with a restart)
//   none ──► asked ───┴─────────────┴─► starting ──► switching ──► done
//                          any of them ──► failed: the former model serves, or is started again
#ifndef DAEMON_SUPERVISOR_MODEL_CHANGE_H_
#define DAEMON_SUPERVISOR_MODEL_CHANGE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "hardening/base/json.h"

namespace daemon_supervisor {

class ModelChange {
 public:
  enum class Phase : std::uint8_t { kNone, kStopping, kStarting, kSwitching, kDone, kFailed };

  // The number to ask for it by.
  std::uint64_t begin(std::string id, Phase phase) {
    id_ = std::move(id);
    phase_ = phase;
    why_.clear();
    return ++number_;
  }
  void advance(Phase phase) { phase_ = phase; }
  void fail(std::string why) {
    phase_ = Phase::kFailed;
    why_ = std::move(why);
  }

  Phase phase() const { return phase_; }
  std::uint64_t number() const { return number_; }
  const std::string& id() const { return id_; }
  const std::string& why() const { return why_; }  // it failed
  bool under_way() const {
    return phase_ == Phase::kStopping || phase_ == Phase::kStarting || phase_ == Phase::kSwitching;
  }
  bool under_way(const std::string& id) const { return under_way() && id == id_; }

  base::Json serialize() const {
    constexpr const char* kNames[] = {"none",      "stopping", "starting",
                                      "switching", "done",     "failed"};
    base::Json json = base::Json::object(
        {{"number", number_}, {"state", kNames[static_cast<int>(phase_)]}, {"id", id_}});
    if (!why_.empty()) json.set("error", why_);
    return json;
  }

 private:
  Phase phase_ = Phase::kNone;
  std::uint64_t number_ = 0;
  std::string id_;
  std::string why_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_MODEL_CHANGE_H_
