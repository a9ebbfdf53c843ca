// What systemd is told (sd_notify(3)), without ever waiting for it to listen. Without systemd every
// call does nothing.
#ifndef DAEMON_SUPERVISOR_NOTIFIER_H_
#define DAEMON_SUPERVISOR_NOTIFIER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"

namespace daemon_supervisor {

// What could not be said because nobody read is said at the next call: all of these are called
// again and again.
class Notifier {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  Notifier();

  void ready();                        // once
  void stopping();                     // once
  void status(std::string_view text);  // when it differs from the last
  // While loading: start-up may take another while, but not for ever.
  void extend_start(std::int64_t milliseconds);
  void watchdog(std::int64_t now);  // when due

  std::int64_t next_watchdog() const;  // when watchdog() is due; never without one

 private:
  bool tell(std::string_view text) const;  // false: not now

  std::string address_;  // empty: nobody to tell
  base::Fd socket_;
  std::int64_t watchdog_interval_ms_ = 0;  // 0: none is wanted
  std::int64_t next_watchdog_ms_ = 0;
  bool told_ready_ = false;
  bool told_stopping_ = false;
  std::string last_status_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_NOTIFIER_H_
