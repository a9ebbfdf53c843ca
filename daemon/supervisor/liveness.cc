#include "daemon/supervisor/liveness.h"

#include <algorithm>

namespace daemon_supervisor {

void Liveness::started(std::int64_t now) {
  *this = Liveness(patience_);
  last_progress_ = now;
}

void Liveness::progressed(std::uint64_t done, std::int64_t now) {
  if (done == work_) return;
  work_ = done;
  last_progress_ = now;
}

void Liveness::became_ready(std::int64_t now) {
  ready_ = true;
  work_ = 0;
  last_progress_ = now;
  last_ping_ = now - patience_.ping_ms;
}

void Liveness::pinged(std::int64_t now) {
  awaiting_answer_ = true;
  last_ping_ = now;
}

void Liveness::answered(std::uint64_t work, bool busy, std::int64_t now) {
  awaiting_answer_ = false;
  if (work != work_ || !busy || !busy_) last_progress_ = now;
  work_ = work;
  busy_ = busy;
}

bool Liveness::ping_due(std::int64_t now) const {
  return ready_ && !awaiting_answer_ && now >= ping_at();
}

std::int64_t Liveness::progress_deadline() const {
  if (!ready_) return last_progress_ + patience_.load_ms;
  return busy_ ? last_progress_ + patience_.busy_ms : kNever;
}

std::string_view Liveness::overdue(std::int64_t now) const {
  if (now >= progress_deadline())
    return ready_ ? "busy without progress" : "no progress while starting";
  if (awaiting_answer_ && now >= last_ping_ + patience_.busy_ms) return "does not answer";
  return {};
}

std::int64_t Liveness::next_deadline() const {
  if (!ready_) return progress_deadline();
  const std::int64_t answer_or_ping = awaiting_answer_ ? last_ping_ + patience_.busy_ms : ping_at();
  return std::min(progress_deadline(), answer_or_ping);
}

}  // namespace daemon_supervisor
