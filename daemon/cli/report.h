// How a verb tells a person, or a script, what happened.
#ifndef DAEMON_CLI_REPORT_H_
#define DAEMON_CLI_REPORT_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_cli {

// Prints "redoubt: <message>" and, when given, a line saying what to do next; returns kExitFailure.
int report_failure(const base::Error& error, std::string_view advice = {});

// A bar with rate and time to go, drawn on standard error while it is a terminal; silent otherwise. Redraws at
// most ten times a second. Clears its line when dropped.
class ProgressBar {
 public:
  // `what` outlives the bar: it is a literal ("hashing").
  explicit ProgressBar(std::string_view what);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  void update(std::uint64_t done_bytes, std::uint64_t total_bytes);
  // update() as the function that long work asks for. Borrows the bar.
  std::function<void(std::uint64_t, std::uint64_t)> callback();

 private:
  std::string_view what_;
  bool terminal_;
  bool drawn_ = false;
  std::int64_t started_ns_;
  std::int64_t drawn_ns_ = 0;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_REPORT_H_
