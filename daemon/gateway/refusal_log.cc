#include "daemon/gateway/refusal_log.h"

#include <algorithm>
#include <limits>

#include "daemon/gateway/limits.h"
#include "hardening/base/json.h"

namespace daemon_gateway {
namespace {

using base::Json;
using Kind = Refusal::Kind;

constexpr double kNsPerSecond = 1e9;
constexpr char kOthers[] = "*";  // all for whom there is no place of their own

Json body_of(const Refusal& refusal, std::uint64_t count) {
  Json body = Json::object({{"client", to_json(refusal.client)},
                            {"count", count},
                            {"endpoint", refusal.endpoint},
                            {"method", refusal.method}});
  if (refusal.kind == Kind::kAuth) {
    body.set("reason", refusal.reason);
    return body;
  }
  if (!refusal.request.empty()) body.set("request", refusal.request);
  body.set("key", refusal.key);
  body.set("status", refusal.status);
  body.set("code", refusal.code);
  return body;
}

AuditReport report_of(const Refusal& refusal, std::uint64_t count) {
  return {.type = refusal.kind == Kind::kAuth ? "auth.failed" : "request.refused",
          .body = body_of(refusal, count).dump()};
}

// What the latest of many stands for: not one connection, not one request.
Refusal common_part(Refusal refusal) {
  refusal.client = {.address = std::move(refusal.client.address)};
  refusal.request.clear();
  return refusal;
}

}  // namespace

std::optional<AuditReport> RefusalLog::add(Refusal refusal, std::int64_t now_ns, bool usable) {
  if (usable && spend(buckets_[static_cast<std::size_t>(refusal.kind)], now_ns))
    return report_of(refusal, 1);
  const std::string& name = refusal.kind == Kind::kAuth ? refusal.client.address : refusal.key;
  Source source{refusal.kind, name};
  // One place of each kind is everybody else's.
  if (!sources_.contains(source) && sources_.size() + 2 > kRefusalSourcesMax) {
    source.second = kOthers;
    refusal.client.address = kOthers;
    if (refusal.kind == Kind::kRequest) refusal.key = kOthers;
  }
  Counted& counted = sources_[source];
  if (counted.count++ == 0) counted.since_ns = now_ns;
  counted.latest = common_part(std::move(refusal));
  return std::nullopt;
}

bool RefusalLog::spend(Bucket& bucket, std::int64_t now_ns) {
  const double earned = static_cast<double>(now_ns - bucket.filled_ns) / kNsPerSecond;
  bucket.tokens = std::min<double>(kBurst, bucket.tokens + earned);
  bucket.filled_ns = now_ns;
  if (bucket.tokens < 1) return false;
  --bucket.tokens;
  return true;
}

std::vector<AuditReport> RefusalLog::take_due(std::int64_t now_ns) {
  return take(now_ns - kCountNs);
}

std::vector<AuditReport> RefusalLog::take_all() {
  return take(std::numeric_limits<std::int64_t>::max());
}

std::vector<AuditReport> RefusalLog::take(std::int64_t begun_by_ns) {
  std::vector<AuditReport> due;
  for (auto source = sources_.begin(); source != sources_.end();) {
    if (source->second.since_ns > begun_by_ns) {
      ++source;
      continue;
    }
    due.push_back(report_of(source->second.latest, source->second.count));
    source = sources_.erase(source);
  }
  return due;
}

}  // namespace daemon_gateway
