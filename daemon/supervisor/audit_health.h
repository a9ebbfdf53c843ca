// Can the audit log be written, as far as the supervisor can see? A pure value. And how full the
// disk is that it lies on.
#ifndef DAEMON_SUPERVISOR_AUDIT_HEALTH_H_
#define DAEMON_SUPERVISOR_AUDIT_HEALTH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"

namespace daemon_supervisor {

enum class AuditState : std::uint8_t {
  kStarting,   // no auditor was ready yet
  kAppending,  // all is well
  kSilent,     // the auditor has not answered for a while
  kFailing,    // it says that it cannot write
  kDown,       // there is none, though there was
};
std::string_view audit_state_name(AuditState state);

class AuditHealth {
 public:
  // What is seen at one moment; the text says why, for people.
  struct Seen {
    AuditState state = AuditState::kStarting;
    std::string text;
  };
  // True when the state has changed.
  bool see(Seen seen, std::int64_t unix_seconds);

  AuditState state() const { return seen_.state; }
  AuditState former() const { return former_; }
  const std::string& text() const { return seen_.text; }
  std::int64_t since() const { return since_; }  // unix seconds; 0: from the start
  // Work is refused, or will be in a moment.
  bool alarm() const {
    return seen_.state != AuditState::kStarting && seen_.state != AuditState::kAppending;
  }
  // "FAILING: no space left on device, refusing work since 2026-11-21 18:05:09Z"
  std::string sentence() const;

 private:
  Seen seen_;
  AuditState former_ = AuditState::kStarting;
  std::int64_t since_ = 0;
};

// How full a file system is, told when it passes 75 or 90 per cent, and when it is well below
// again.
class DiskLevel {
 public:
  struct Usage {
    unsigned percent = 0;  // as df counts: of what the service may use
    std::uint64_t free_bytes = 0;
  };
  enum class Level : std::uint8_t { kNormal, kWarning, kAlarm };

  // True when the level has changed.
  bool see(const Usage& usage);
  Level level() const { return level_; }

 private:
  Level level_ = Level::kNormal;
};

// Nothing where it cannot be had.
std::optional<DiskLevel::Usage> disk_usage(const base::Fd& directory);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_AUDIT_HEALTH_H_
