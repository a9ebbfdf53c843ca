// Whether the log can be written, since when not, and why: what writers are told
// (daemon_ipc::AuditState).
#ifndef DAEMON_AUDITOR_LOG_HEALTH_H_
#define DAEMON_AUDITOR_LOG_HEALTH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/ipc/messages.h"

namespace daemon_auditor {

class LogHealth {
 public:
  // True when writers are to be told: it had been well, or fails for another reason than before.
  bool failed(std::int64_t now_ns, std::string_view why);
  void recovered() { why_.clear(); }

  bool failing() const { return !why_.empty(); }
  const std::string& why() const { return why_; }  // at most 256 bytes of UTF-8
  std::int64_t failed_ms(std::int64_t now_ns) const;
  bool may_try(std::int64_t now_ns) const { return !failing() || now_ns >= next_try_ns_; }
  std::int64_t next_try_ns() const { return next_try_ns_; }
  daemon_ipc::AuditState state() const;

 private:
  std::string why_;
  std::int64_t since_ns_ = 0;
  std::int64_t next_try_ns_ = 0;
};

// At most so many bytes of it, as whole characters; what is none becomes U+FFFD.
std::string bounded_text(std::string_view text, std::size_t bytes_max);

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_LOG_HEALTH_H_
