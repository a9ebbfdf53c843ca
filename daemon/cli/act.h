// What a command that changes something tells the audit log: that it begins, before it changes
// anything, and what came of it (daemon/supervisor/act_spool.h).
//
//   Act act("models activate", {{"model", options.model}});
//   TRY(act.begin(config));
//   return act.finish(activate(config, options));
//
// Arguments are no secrets.
#ifndef DAEMON_CLI_ACT_H_
#define DAEMON_CLI_ACT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/supervisor/act_spool.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_cli {

using ActArguments = std::vector<std::pair<std::string, std::string>>;

class Act {
 public:
  Act(std::string command, ActArguments arguments);
  Act(const Act&) = delete;
  Act& operator=(const Act&) = delete;
  // An act that was begun and not finished ended with an error nobody told of.
  ~Act();

  // Durable when it returns, and a running service has been told. Makes the state directory where
  // its parent is there. A failure: the command must not run.
  base::Status begin(const daemon_config::Config& config);

  // Facts for the record of the end.
  void add_fact(std::string name, base::Json value) {
    report_.facts.set(std::move(name), std::move(value));
  }
  // Returns `outcome`. What cannot be written any more is said on standard error: what was done is
  // done.
  base::Status finish(base::Status outcome);
  // The same for a Result.
  template <typename T>
  base::Result<T> finish(base::Result<T> outcome) {
    (void)finish(outcome.ok() ? base::Status() : base::Status(outcome.error()));
    return outcome;
  }

 private:
  base::Status write();

  daemon_supervisor::ActReport report_;
  std::string directory_;       // empty: not begun
  std::string control_socket_;  // of the service
  std::optional<base::FileOwner> heir_;
  bool finished_ = false;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_ACT_H_
