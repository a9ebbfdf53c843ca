// Is a role getting anywhere? A pure value: told what happened and when (milliseconds of a
// monotonic clock), it says when to ask and when patience ends. Progress counts, not heartbeats: an
// answer without new work does not help a busy role.
#ifndef DAEMON_SUPERVISOR_LIVENESS_H_
#define DAEMON_SUPERVISOR_LIVENESS_H_

#include <cstdint>
#include <limits>
#include <string_view>

namespace daemon_supervisor {

struct Patience {
  std::int64_t load_ms = 120'000;  // between two signs of progress while starting
  std::int64_t busy_ms =
      10'000;  // until a ping is answered, and between two units of work while busy
  std::int64_t ping_ms = 2'000;  // between two pings
  std::int64_t stop_ms = 3'000;  // until a role that was told to stop is killed
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

  bool ping_due(std::int64_t now) const;
  // Why patience has ended, or empty.
  std::string_view overdue(std::int64_t now) const;
  // When ping_due() or overdue() may next change.
  std::int64_t next_deadline() const;

 private:
  std::int64_t ping_at() const { return last_ping_ + patience_.ping_ms; }
  std::int64_t progress_deadline() const;  // kNever when none is due

  Patience patience_;
  bool ready_ = false;
  bool awaiting_answer_ = false;
  bool busy_ = false;
  std::uint64_t work_ = 0;
  std::int64_t last_ping_ = 0;
  std::int64_t last_progress_ = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_LIVENESS_H_
