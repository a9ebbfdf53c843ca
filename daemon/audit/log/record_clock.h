// The time of records: never back, and never apart from the monotonic clock, without a
// `clock.stepped` that says so.
#ifndef DAEMON_AUDIT_LOG_RECORD_CLOCK_H_
#define DAEMON_AUDIT_LOG_RECORD_CLOCK_H_

#include <cstdint>
#include <optional>

#include "hardening/base/clock.h"

namespace daemon_audit {

class RecordClock {
 public:
  explicit RecordClock(const base::Clock& clock) : clock_(clock) {}

  // The last record of the log as it was found. Of another boot, its monotonic time says nothing.
  void resume(std::int64_t time_us, std::int64_t monotonic_us, bool same_boot);

  struct Reading {
    std::int64_t time_us = 0;
    std::int64_t monotonic_us = 0;
    // The wall clock was moved by so much: a clock.stepped comes first, with this time, which is
    // the last record's where time goes back.
    std::optional<std::int64_t> step_us;
    std::int64_t step_time_us = 0;
  };
  // Now. A wall clock that is less than a second behind the last record is waited for: the record
  // gets the last one's time.
  Reading read() const;
  // Records with that reading are in the log.
  void keep(const Reading& reading);

 private:
  struct Last {
    std::int64_t time_us = 0;
    std::int64_t monotonic_us = 0;
    bool same_boot = true;
  };

  const base::Clock& clock_;
  std::optional<Last> last_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_RECORD_CLOCK_H_
