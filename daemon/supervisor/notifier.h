// What systemd is told (sd_notify(3)), without ever waiting for it to listen. Without systemd every
// call does nothing. Known to systemd 252 and later; what an older one does not know it ignores.
#ifndef DAEMON_SUPERVISOR_NOTIFIER_H_
#define DAEMON_SUPERVISOR_NOTIFIER_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"

namespace daemon_supervisor {

// The service's states are told in order and none is lost, however slowly they are read; what is
// only news (status, progress, life) is said again or not at all. Whatever keeps it from being
// said, but for nobody being there, is taken for a matter of time.
class Notifier {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  Notifier();

  // READY=1 at the first call, and at the first after reloading().
  void ready();
  // RELOADING=1 with the time of the monotonic clock, which systemd 253 wants to know. Before
  // ready() nothing: what has not started does not reload.
  void reloading(std::int64_t now_us);
  // STOPPING=1, once; the stop may take that long.
  void stopping(std::int64_t milliseconds);
  bool told_ready() const { return told_ready_; }  // ever

  void status(std::string_view text);  // when it differs from the last
  // While starting: it may take another while, but not for ever.
  void extend_start(std::int64_t milliseconds);
  void watchdog(std::int64_t now);  // when due

  // Hands systemd a descriptor to keep while the service restarts, in place of what it keeps under
  // that name. False: not now.
  bool keep(const base::Fd& fd, std::string_view name);
  bool forget(std::string_view name);

  // Says what could not be said before. To call now and then.
  void flush();

  std::int64_t next_watchdog() const;  // when watchdog() is due; never without one

 private:
  void tell_state(std::string text);
  bool has_socket();
  bool tell(std::string_view text, const base::Fd* fd_to_pass = nullptr);  // false: not now

  std::string address_;                    // empty: nobody to tell
  base::Fd socket_;                        // opened when there is something to tell
  std::int64_t watchdog_interval_ms_ = 0;  // 0: none is wanted
  std::int64_t next_watchdog_ms_ = 0;
  bool told_ready_ = false;
  bool ready_due_ = true;
  bool told_stopping_ = false;
  std::deque<std::string> untold_states_;
  std::string last_status_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_NOTIFIER_H_
