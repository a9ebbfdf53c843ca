#include "daemon/supervisor/quarantine.h"

#include <algorithm>

namespace daemon_supervisor {

bool Quarantine::add(std::string_view digest) {
  if (std::find(digests_.begin(), digests_.end(), digest) != digests_.end()) return false;
  digests_.emplace_back(digest);
  if (digests_.size() > kDigestsMax) {
    digests_.pop_front();
    ++dropped_;
  }
  return true;
}

std::uint64_t Quarantine::first_place(std::uint64_t wanted) const {
  return std::max(wanted, dropped_);
}

const std::string* Quarantine::at(std::uint64_t place) const {
  if (place < dropped_ || place - dropped_ >= digests_.size()) return nullptr;
  return &digests_[static_cast<std::size_t>(place - dropped_)];
}

}  // namespace daemon_supervisor
