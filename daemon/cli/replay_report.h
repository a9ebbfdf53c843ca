// What `redoubt audit replay` prints: a line for each request, and what they come to.
#ifndef DAEMON_CLI_REPLAY_REPORT_H_
#define DAEMON_CLI_REPLAY_REPORT_H_

#include <cstdint>
#include <string>

#include "daemon/replay/replay_session.h"
#include "hardening/base/json.h"

namespace daemon_cli {

// "identical (57 tokens)", "DIFFERS at token 12 of choice 1: recorded 17, now 23", "refused: …".
std::string describe_verdict(const daemon_replay::Verdict& verdict);

class ReplayReport {
 public:
  explicit ReplayReport(bool json) : json_(json) {}

  void add(const daemon_replay::Replayed& replayed);  // prints it
  void end() const;                                   // prints the total
  // Something was compared, and nothing differed or was refused.
  bool all_identical() const { return identical_ > 0 && differ_ == 0 && refused_ == 0; }

 private:
  bool json_;
  std::uint64_t identical_ = 0;
  std::uint64_t partial_ = 0;  // of these, cut short
  std::uint64_t differ_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t tokens_ = 0;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_REPLAY_REPORT_H_
