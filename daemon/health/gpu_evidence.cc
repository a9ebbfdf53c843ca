#include "daemon/health/gpu_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/health/xid_table.h"

namespace daemon_health {
namespace {

constexpr std::size_t kBurstXidsMax = 64;  // distinct ones: a burst of more has told enough
constexpr std::uint64_t kContained = 94;
constexpr std::uint64_t kUncontained = 95;

using Xids = std::vector<std::uint64_t>;

bool contains(const Xids& xids, std::uint64_t xid) {
  return std::find(xids.begin(), xids.end(), xid) != xids.end();
}

// The error reached one program alone.
bool is_contained(const Xids& burst) {
  return contains(burst, kContained) && !contains(burst, kUncontained);
}

// What an XID asks for in the company of the others.
Finding xid_finding(std::uint64_t xid, const Xids& burst) {
  const XidAdvice advice = xid_advice(xid);
  const bool contained = advice.bucket == XidBucket::kUncorrectable && is_contained(burst);
  return {contained ? GpuAction::kRestartEngine : advice.action, fmt::format("xid {}", xid),
          fmt::format("{} (XID {})", advice.what, xid), advice.next_step};
}

}  // namespace

Finding finding_of(const Advice& advice) {
  return {advice.action, std::string(advice.cause), std::string(advice.what), advice.next_step};
}

void GpuEvidence::take(const Advice& advice, bool news, Findings& findings) const {
  if (advice.action == GpuAction::kNone) return;
  if (advice.action == GpuAction::kWatch && !news) return;
  findings.push_back(finding_of(advice));
}

std::vector<Finding> GpuEvidence::see_status(NvmlStatus status) {
  Findings findings;
  take(status_advice(status), status != status_, findings);
  status_ = status;
  return findings;
}

std::vector<Finding> GpuEvidence::see(const GpuReading& reading, std::int64_t now) {
  Findings findings = see_status(reading.status);
  see_recovery(reading, findings);
  see_events(reading, now, findings);
  see_signals(reading, now, findings);
  return findings;
}

void GpuEvidence::see_recovery(const GpuReading& reading, Findings& findings) {
  if (!reading.recovery) return;
  take(recovery_advice(*reading.recovery), *reading.recovery != recovery_, findings);
  recovery_ = *reading.recovery;
}

void GpuEvidence::see_events(const GpuReading& reading, std::int64_t now, Findings& findings) {
  if (now - burst_last_ > burst_ms_) {
    burst_.clear();
    unavailable_ = false;
  }
  Xids fresh;  // that came now, for the first time or again
  Xids first;  // for the first time in this burst
  for (const GpuEvent& event : reading.events) {
    const bool unavailable = event.type == kEventGpuUnavailable;
    const std::uint64_t amounts_to = xid_of_event(event.type);
    if (event.type != kEventXid && amounts_to == 0 && !unavailable) continue;
    burst_last_ = now;
    unavailable_ = unavailable_ || unavailable;
    if (unavailable) continue;
    const std::uint64_t xid = event.type == kEventXid ? event.xid : amounts_to;
    if (!contains(fresh, xid)) fresh.push_back(xid);
    if (contains(burst_, xid) || burst_.size() >= kBurstXidsMax) continue;
    burst_.push_back(xid);
    first.push_back(xid);
  }
  if (unavailable_) take(unavailable_advice(), true, findings);
  judge_burst(fresh, first, findings);
}

// Another engine is wanted for what came now; a GPU that is out of use stays so for the whole
// burst. Of several the gravest decides, and of equals the first.
void GpuEvidence::judge_burst(const Xids& fresh, const Xids& first, Findings& findings) const {
  std::optional<Finding> gravest;
  for (const std::uint64_t xid : burst_) {
    Finding finding = xid_finding(xid, burst_);
    if (finding.action == GpuAction::kWatch) {
      if (contains(first, xid)) findings.push_back(std::move(finding));
      continue;
    }
    if (!quarantines(finding.action) && !contains(fresh, xid)) continue;
    if (!gravest || finding.action > gravest->action) gravest = std::move(finding);
  }
  if (gravest) findings.push_back(*std::move(gravest));
}

void GpuEvidence::see_signals(const GpuReading& reading, std::int64_t now, Findings& findings) {
  if (is_contained(burst_)) measures_.contain_errors(reading);
  const GpuMeasures::Values values = measures_.see(reading, now);
  const auto rows = signal_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto value = values[static_cast<std::size_t>(rows[i].signal)];
    if (!value) continue;  // as it was
    const std::uint32_t bit = 1u << i;
    const bool stood = (standing_ & bit) != 0;
    const bool stands = *value >= (stood ? rows[i].clears_below : rows[i].at);
    standing_ = stands ? standing_ | bit : standing_ & ~bit;
    if (stands) take(rows[i].advice, !stood, findings);
  }
}

bool GpuEvidence::stands() const {
  return standing_ != 0 || status_advice(status_).action != GpuAction::kNone ||
         recovery_advice(recovery_).action != GpuAction::kNone;
}

}  // namespace daemon_health
