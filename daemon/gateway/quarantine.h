// Requests that no engine is to see, by digest (RequestJournal::digest).
#ifndef DAEMON_GATEWAY_QUARANTINE_H_
#define DAEMON_GATEWAY_QUARANTINE_H_

#include <algorithm>
#include <cstddef>
#include <deque>

#include "provisioning/sha256.h"

namespace daemon_gateway {

// Remembers the latest kDigestsMax.
class Quarantine {
 public:
  static constexpr std::size_t kDigestsMax = 1'024;

  void add(const provisioning::Sha256Digest& digest) {
    if (contains(digest)) return;
    if (digests_.size() == kDigestsMax) digests_.pop_front();
    digests_.push_back(digest);
  }
  bool contains(const provisioning::Sha256Digest& digest) const {
    return std::find(digests_.begin(), digests_.end(), digest) != digests_.end();
  }
  bool empty() const { return digests_.empty(); }

 private:
  std::deque<provisioning::Sha256Digest> digests_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_QUARANTINE_H_
