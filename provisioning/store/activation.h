// Which model is served, and which one comes next: a small state machine kept in one file, STORE/activation.json, that is
// replaced by one rename. All transitions are here; none touches anything but this value.
//
//              propose                    start_trial ×n                prove
//   (active) ──────────► trial(starts 0) ─────────────► trial(starts n) ─────► active, the former one previous
//                              │                              │ n > kTrialStartsMax, or fail
//                              └────────── fail ──────────────┴──────────────► failed list; active as it was
#ifndef PROVISIONING_STORE_ACTIVATION_H_
#define PROVISIONING_STORE_ACTIVATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace provisioning {

inline constexpr std::uint32_t kTrialStartsMax = 3;
inline constexpr std::size_t kActivationBytesMax = 1u << 20;
inline constexpr std::size_t kFailuresMax = 16;
inline constexpr std::size_t kPinnedMax = 4'096;
inline constexpr std::size_t kFailureTextBytesMax = 1'024;

struct Activation {
  struct Trial {
    std::string id;
    std::uint32_t starts = 0;
  };
  struct Failure {
    std::string id;
    std::string why;
    std::int64_t time = 0;  // unix seconds
  };

  std::string active;    // model id; empty: none yet
  std::string previous;  // what rollback goes back to; empty: nothing
  std::optional<Trial> trial;
  std::vector<Failure> failed;  // the newest last, at most 16; proposing one again by hand takes it off
  std::set<std::string> pinned;

  const Failure* failure_of(std::string_view id) const;  // null: it has not failed
  // Whether removing or collecting it would hurt.
  bool needs(std::string_view id) const;
  // The model to start with: the one on trial while it may be tried, else the active one; empty: none.
  const std::string& to_start() const;

  // Requires a model id (64 digits of lower-case hex). The active one itself: what is on trial is dropped.
  void propose(std::string id);
  // Before each start of the model on trial; false: it was tried often enough and is failed now.
  bool start_trial(std::int64_t now);
  void prove();  // the model on trial is active from now on; without one nothing happens
  void fail(std::string why, std::int64_t now);
  // The active model cannot be started any more: the previous one takes its place. False, and nothing happens, when there
  // is none or that one has failed itself: so no two broken models take turns for ever.
  bool fail_active(std::string why, std::int64_t now);
  // Proposes the previous one; kNotFound when there is none.
  base::Status roll_back();

  // One JSON object. What parse() gives back is what was serialised; it refuses what no sequence of the above leads to.
  std::string serialize() const;
  static base::Result<Activation> parse(std::string_view text);
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_ACTIVATION_H_
