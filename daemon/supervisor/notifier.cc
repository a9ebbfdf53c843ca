#include "daemon/supervisor/notifier.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <limits>

namespace daemon_supervisor {
namespace {

// Nobody to tell, or nobody listening: both are fine.
void tell(const std::string& text) { (void)::sd_notify(0, text.c_str()); }

}  // namespace

Notifier::Notifier() {
  std::uint64_t limit_us = 0;
  // Twice within the limit, as sd_watchdog_enabled(3) advises.
  if (::sd_watchdog_enabled(0, &limit_us) > 0) watchdog_interval_ms_ = static_cast<std::int64_t>(limit_us / 2'000);
}

void Notifier::ready() {
  if (told_ready_) return;
  told_ready_ = true;
  tell("READY=1");
}

void Notifier::stopping() { tell("STOPPING=1"); }

void Notifier::status(std::string_view text) {
  if (text == last_status_) return;
  last_status_ = text;
  tell(fmt::format("STATUS={}", text));
}

void Notifier::extend_start(std::int64_t milliseconds) {
  if (!told_ready_) tell(fmt::format("EXTEND_TIMEOUT_USEC={}", milliseconds * 1'000));
}

void Notifier::watchdog(std::int64_t now) {
  if (watchdog_interval_ms_ == 0 || now < next_watchdog_ms_) return;
  next_watchdog_ms_ = now + watchdog_interval_ms_;
  tell("WATCHDOG=1");
}

std::int64_t Notifier::next_watchdog() const {
  return watchdog_interval_ms_ == 0 ? std::numeric_limits<std::int64_t>::max() : next_watchdog_ms_;
}

}  // namespace daemon_supervisor
