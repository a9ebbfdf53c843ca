#include "daemon/gateway/crash_blame.h"

#include <utility>

namespace daemon_gateway {

std::optional<std::uint64_t> CrashBlame::engine_died(std::span<const std::uint64_t> present) {
  std::set<std::uint64_t> twice;
  for (const std::uint64_t request : present) {
    if (!stuck_.insert(request).second) twice.insert(request);
  }
  if (twice.size() == 1) {
    const std::uint64_t guilty = *twice.begin();
    ended(guilty);
    return guilty;
  }
  doubtful_.merge(twice);
  return std::nullopt;
}

void CrashBlame::got_further(std::uint64_t request) {
  ended(request);
}

void CrashBlame::ended(std::uint64_t request) {
  stuck_.erase(request);
  doubtful_.erase(request);
}

bool CrashBlame::may_run(std::uint64_t request) const {
  return doubtful_.empty() || *doubtful_.begin() == request;
}

}  // namespace daemon_gateway
