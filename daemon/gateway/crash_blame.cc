#include "daemon/gateway/crash_blame.h"

#include <algorithm>

namespace daemon_gateway {

std::optional<CrashBlame::Digest> CrashBlame::engine_died(std::span<const Suspect> present) {
  std::set<Digest> twice;
  for (const Suspect& suspect : present) {
    if (stuck_.contains(suspect.request)) twice.insert(suspect.request);
  }
  for (const Suspect& suspect : present) {
    if (stuck_.size() >= kStuckMax && !stuck_.contains(suspect.request)) continue;
    std::uint64_t& position = stuck_[suspect.request];
    position = std::max(position, suspect.position);
  }
  if (twice.size() == 1) {
    const Digest guilty = *twice.begin();
    clear(guilty);
    return guilty;
  }
  doubtful_.merge(twice);
  return std::nullopt;
}

void CrashBlame::got_to(const Digest& request, std::uint64_t position) {
  const auto stuck = stuck_.find(request);
  if (stuck != stuck_.end() && position > stuck->second) clear(request);
}

void CrashBlame::clear(const Digest& request) {
  stuck_.erase(request);
  doubtful_.erase(request);
}

void CrashBlame::abandoned(const Digest& request) {
  doubtful_.erase(request);
}

bool CrashBlame::may_run(const Digest& request) const {
  return doubtful_.empty() || *doubtful_.begin() == request;
}

}  // namespace daemon_gateway
