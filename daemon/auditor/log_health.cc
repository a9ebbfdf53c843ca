#include "daemon/auditor/log_health.h"

#include <utility>

#include "daemon/auditor/limits.h"
#include "hardening/base/utf8.h"

namespace daemon_auditor {

std::string bounded_text(std::string_view text, std::size_t bytes_max) {
  std::string bounded;
  while (!text.empty()) {
    const base::Utf8Char next = base::decode_utf8(text);
    const std::size_t before = bounded.size();
    base::append_utf8(bounded, next.code_point);
    if (bounded.size() > bytes_max) {
      bounded.resize(before);
      break;
    }
    text.remove_prefix(next.bytes);
  }
  return bounded;
}

bool LogHealth::failed(std::int64_t now_ns, std::string_view why) {
  next_try_ns_ = now_ns + kRetryNs;
  std::string text =
      bounded_text(why.empty() ? "it says no more" : why, daemon_ipc::kStateTextBytesMax);
  if (text == why_) return false;
  if (!failing()) since_ns_ = now_ns;
  why_ = std::move(text);
  return true;
}

std::int64_t LogHealth::failed_ms(std::int64_t now_ns) const {
  return failing() ? (now_ns - since_ns_) / 1'000'000 : 0;
}

daemon_ipc::AuditState LogHealth::state() const {
  using daemon_ipc::AuditCondition;
  return {failing() ? AuditCondition::kFailing : AuditCondition::kAppending, why_};
}

}  // namespace daemon_auditor
