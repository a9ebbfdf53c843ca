#include "runtime/engine/fair_share.h"

#include <algorithm>

#include "hardening/base/check.h"

namespace runtime {

FairShare::Tenant& FairShare::begin_request(std::uint64_t tenant) {
  if (!tenants_.contains(tenant) && tenants_.size() >= tenants_max_) forget_one();
  Tenant& found = tenants_[tenant];
  if (found.requests == 0) {
    std::uint64_t least = UINT64_MAX;
    for (const auto& [id, other] : tenants_) {
      if (other.requests > 0) least = std::min(least, other.served);
    }
    if (least != UINT64_MAX) found.served = std::max(found.served, least);
  }
  ++found.requests;
  return found;
}

void FairShare::end_request(Tenant& tenant) {
  CHECK(tenant.requests > 0);
  --tenant.requests;
}

// Of the idle ones the one that owes least: forgetting a debt is a gift, so it should be a small
// one.
void FairShare::forget_one() {
  auto least = tenants_.end();
  for (auto it = tenants_.begin(); it != tenants_.end(); ++it) {
    if (it->second.requests > 0) continue;
    if (least == tenants_.end() || it->second.served < least->second.served) least = it;
  }
  if (least != tenants_.end()) tenants_.erase(least);
}

}  // namespace runtime
