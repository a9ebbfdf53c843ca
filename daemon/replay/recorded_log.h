// The requests that a log has both ends of.
#ifndef DAEMON_REPLAY_RECORDED_LOG_H_
#define DAEMON_REPLAY_RECORDED_LOG_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/log_reader.h"
#include "daemon/replay/recorded_request.h"
#include "hardening/base/result.h"

namespace daemon_replay {

// Both have to hold.
struct Selection {
  std::uint64_t from = 0;  // indexes of request.finished
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
  std::string request;  // an id; empty: every one

  // "req-…", "17" or "17-99".
  static base::Result<Selection> parse(std::string_view text);
};

// Where a request began and ended, and what had served it.
struct FinishedRequest {
  std::optional<std::uint64_t> admitted;  // absent: that record was removed by retention
  std::uint64_t finished = 0;
  std::string model_digest;
};

class RecordedLog {
 public:
  explicit RecordedLog(const daemon_audit::LogReader& log) : log_(log) {}  // outlives this

  // By their ends, in order. Reads the log from its beginning: a request may have been admitted
  // long before the first record that is asked for. kNotFound: none.
  base::Result<std::vector<FinishedRequest>> select(const Selection& selection) const;
  // kNotFound: its admission was removed by retention.
  base::Result<RecordedRequest> request(const FinishedRequest& which) const;

 private:
  const daemon_audit::LogReader& log_;
};

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_RECORDED_LOG_H_
