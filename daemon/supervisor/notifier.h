// What systemd is told (sd_notify(3)). Without systemd every call does nothing.
#ifndef DAEMON_SUPERVISOR_NOTIFIER_H_
#define DAEMON_SUPERVISOR_NOTIFIER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace daemon_supervisor {

class Notifier {
 public:
  Notifier();

  void ready();  // the first call counts
  void stopping();
  void status(std::string_view text);  // sent when it differs from the last
  // While loading: start-up may take another while, but not for ever.
  void extend_start(std::int64_t milliseconds);
  void watchdog(std::int64_t now);  // sent when due

  std::int64_t next_watchdog() const;  // when watchdog() is due; never without one

 private:
  std::int64_t watchdog_interval_ms_ = 0;  // 0: none is wanted
  std::int64_t next_watchdog_ms_ = 0;
  bool told_ready_ = false;
  std::string last_status_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_NOTIFIER_H_
