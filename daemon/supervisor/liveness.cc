#include "daemon/supervisor/liveness.h"

#include <algorithm>

namespace daemon_supervisor {

void Liveness::started(std::int64_t now) {
  *this = Liveness(patience_);
  last_progress_ = now;
}

void Liveness::progressed(std::uint64_t done, std::int64_t now) {
  if (done == work_ && shown_life_) return;
  work_ = done;
  last_progress_ = now;
  shown_life_ = true;
}

void Liveness::became_ready(std::int64_t now) {
  ready_ = true;
  shown_life_ = true;
  work_ = 0;
  last_sign_ = last_progress_ = last_page_ = now;
  last_ping_ = now - patience_.ping_ms;
}

void Liveness::pinged(std::int64_t now) {
  // Nothing was asked of it before, so nothing was missed.
  last_sign_ = std::max(last_sign_, now - patience_.ping_ms);
  awaiting_answer_ = true;
  last_ping_ = now;
}

void Liveness::answered(std::uint64_t work, bool busy, std::int64_t now) {
  awaiting_answer_ = false;
  last_sign_ = now;
  if (work != work_ || !busy || !busy_) last_progress_ = now;
  work_ = work;
  busy_ = busy;
}

void Liveness::page_read(std::uint64_t count, bool busy, std::int64_t now) {
  // It moved at some time since it was last looked at: counted from the earliest, so that the look
  // costs no patience.
  const std::int64_t moved_at = std::max(last_page_, now - patience_.ping_ms);
  last_page_ = now;
  if (!ready_) return page_read_while_starting(count, now);
  const bool began = busy && !page_busy_;
  page_busy_ = busy;
  if (count == page_count_ && !began) return;
  page_count_ = count;
  last_sign_ = std::max(last_sign_, moved_at);
  last_progress_ = std::max(last_progress_, moved_at);
}

void Liveness::page_read_while_starting(std::uint64_t count, std::int64_t now) {
  if (count == page_count_) return;
  page_count_ = count;
  last_progress_ = now;
  shown_life_ = true;
}

void Liveness::excuse(std::int64_t milliseconds) {
  last_sign_ += milliseconds;
  last_progress_ += milliseconds;
  last_page_ += milliseconds;
}

bool Liveness::ping_due(std::int64_t now) const {
  return ready_ && !awaiting_answer_ && now >= ping_at();
}

std::int64_t Liveness::progress_deadline() const {
  if (!ready_) {
    const std::int64_t first_ms = std::min(patience_.first_ms, patience_.load_ms);
    return last_progress_ + (shown_life_ ? patience_.load_ms : first_ms);
  }
  return busy() ? last_progress_ + patience_.busy_ms : kNever;
}

std::int64_t Liveness::answer_deadline() const {
  return awaiting_answer_ ? last_sign_ + patience_.busy_ms : kNever;
}

std::string_view Liveness::overdue(std::int64_t now) const {
  if (now >= progress_deadline())
    return ready_ ? "busy without progress" : "no progress while starting";
  return now >= answer_deadline() ? "does not answer" : "";
}

std::int64_t Liveness::next_deadline() const {
  if (!ready_) return progress_deadline();
  const std::int64_t next_page = page_busy_ ? last_page_ + patience_.page_ms : kNever;
  return std::min(
      {progress_deadline(), next_page, awaiting_answer_ ? answer_deadline() : ping_at()});
}

}  // namespace daemon_supervisor
