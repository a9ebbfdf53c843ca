// Is a role getting anywhere? A pure value: told what happened and when (milliseconds of a
// monotonic clock), it says when to ask and when patience ends. Progress counts, not heartbeats:
//
//   starting   every report of more done is a sign of life, and so is a progress page that moves.
//              Before the first of them patience is short: no role takes long to come to its work
//   ready      an answer to a ping is one; so is a page that moves, since a role within a long step
//              answers nothing. Patience is counted from the last sign, so that a role that froze
//              is found out within busy_ms of it, wherever it froze
//   busy       answers alone do not help: the work they report must grow, or the page move
#ifndef DAEMON_SUPERVISOR_LIVENESS_H_
#define DAEMON_SUPERVISOR_LIVENESS_H_

#include <cstdint>
#include <limits>
#include <string_view>

namespace daemon_supervisor {

struct Patience {
  std::int64_t first_ms = 10'000;  // from the start to the first sign of life
  std::int64_t load_ms = 120'000;  // from then on, between two signs of progress while starting
  std::int64_t busy_ms = 9'000;    // without a sign of life; without progress while busy
  std::int64_t ping_ms = 2'000;    // between two pings
  std::int64_t stop_ms = 3'000;    // until a role that was told to stop is killed
  std::int64_t page_ms = 250;      // between two looks at the page of a busy role
};

class Liveness {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  explicit Liveness(Patience patience) : patience_(patience) {}

  void started(std::int64_t now);
  void progressed(std::uint64_t done, std::int64_t now);  // only a changed count is progress
  void became_ready(std::int64_t now);
  void pinged(std::int64_t now);
  void answered(std::uint64_t work, bool busy, std::int64_t now);
  // What the role's progress page holds; for a role without one, never called.
  void page_read(std::uint64_t count, bool busy, std::int64_t now);
  // So long nobody could show a sign of life, because we ourselves did not run.
  void excuse(std::int64_t milliseconds);

  bool ping_due(std::int64_t now) const;
  // Why patience has ended, or empty.
  std::string_view overdue(std::int64_t now) const;
  // For how long a ping has been waiting for its answer; 0: none is.
  std::int64_t unanswered_ms(std::int64_t now) const {
    return awaiting_answer_ ? now - last_ping_ : 0;
  }
  // When ping_due() or overdue() may next change, or the page wants to be read.
  std::int64_t next_deadline() const;
  // It has made progress since it was started.
  bool shown_life() const { return shown_life_; }

 private:
  void page_read_while_starting(std::uint64_t count, std::int64_t now);
  bool busy() const { return busy_ || page_busy_; }
  std::int64_t ping_at() const { return last_ping_ + patience_.ping_ms; }
  std::int64_t progress_deadline() const;  // kNever when none is due
  std::int64_t answer_deadline() const;    // likewise

  Patience patience_;
  bool ready_ = false;
  bool shown_life_ = false;
  bool awaiting_answer_ = false;
  bool busy_ = false;       // as answered
  bool page_busy_ = false;  // as the page says
  std::uint64_t work_ = 0;
  std::uint64_t page_count_ = 0;
  std::int64_t last_ping_ = 0;
  std::int64_t last_sign_ = 0;      // of life
  std::int64_t last_progress_ = 0;  // also: when it was last idle
  std::int64_t last_page_ = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_LIVENESS_H_
