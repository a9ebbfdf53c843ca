#include "daemon/gateway/admission.h"

#include <algorithm>
#include <cmath>

#include "daemon/gateway/limits.h"
#include "hardening/base/check.h"

namespace daemon_gateway {
namespace {

constexpr std::size_t kReserveShare =
    8;  // one slot of so many is kept for keys with less than theirs
constexpr double kMeanWeight = 1.0 / 8;  // of the latest request in the mean
constexpr double kRetryAfterMax = 60;

}  // namespace

std::size_t Admission::held_by(std::uint64_t tenant) const {
  const auto found = by_tenant_.find(tenant);
  return found == by_tenant_.end() ? 0 : found->second;
}

ApiStatus Admission::check(std::uint64_t tenant) const {
  if (full()) {
    return overloaded("The server works on as many requests as it may; try again.",
                      retry_after_s());
  }
  const std::size_t mine = held_by(tenant);
  if (key_slots_ != 0 && mine >= key_slots_) {
    return rate_limited("This key has as many requests at work as it may; try again.",
                        retry_after_s(mine));
  }
  // As if one more key were to come.
  const std::size_t keys = by_tenant_.size() + (mine == 0 ? 1 : 0) + 1;
  const bool scarce = slots_ - running_ <= slots_ / kReserveShare;
  if (scarce && mine >= std::max<std::size_t>(1, slots_ / keys)) {
    return rate_limited("This key has its share of the server, which others use too; try again.",
                        retry_after_s(mine));
  }
  return {};
}

void Admission::begin(std::uint64_t tenant) {
  ++running_;
  ++by_tenant_[tenant];
}

void Admission::end(std::uint64_t tenant, std::int64_t took_ns) {
  const auto held = by_tenant_.find(tenant);
  CHECK(held != by_tenant_.end());
  if (--held->second == 0) by_tenant_.erase(held);
  --running_;
  const double took_s = static_cast<double>(took_ns) / 1e9;
  mean_s_ = mean_s_ == 0 ? took_s : mean_s_ + kMeanWeight * (took_s - mean_s_);
}

std::uint32_t Admission::retry_after_s(std::size_t holders) const {
  if (mean_s_ == 0 || holders == 0) return kRetryAfterSeconds;
  const double wait_s = std::ceil(mean_s_ / static_cast<double>(holders));
  return static_cast<std::uint32_t>(std::clamp(wait_s, 1.0, kRetryAfterMax));
}

}  // namespace daemon_gateway
