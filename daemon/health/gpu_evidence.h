// What speaks against one GPU: its readings, held against the tables. Remembers what was seen
// before, so that what has not changed is not news, and a gauge at its threshold does not speak
// again and again.
#ifndef DAEMON_HEALTH_GPU_EVIDENCE_H_
#define DAEMON_HEALTH_GPU_EVIDENCE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/health/care_table.h"
#include "daemon/health/gpu_action.h"
#include "daemon/health/gpu_facts.h"
#include "daemon/health/gpu_measures.h"

namespace daemon_health {

struct Finding {
  GpuAction action = GpuAction::kNone;
  std::string cause;
  std::string text;
  std::string_view next_step;  // a literal
};
Finding finding_of(const Advice& advice);

class GpuEvidence {
 public:
  explicit GpuEvidence(std::int64_t burst_ms) : burst_ms_(burst_ms) {}

  // In the order that decides: NVML's return codes, the driver's recovery action, the burst of
  // XIDs, counters and gauges. What is only to be watched is told when it begins; the rest as long
  // as it stands.
  std::vector<Finding> see(const GpuReading& reading, std::int64_t now);
  // The same of a return code alone, where there is no reading.
  std::vector<Finding> see_status(NvmlStatus status);

  // Something stands that is to be watched, or worse. XIDs pass by themselves.
  bool stands() const;

 private:
  using Findings = std::vector<Finding>;

  void take(const Advice& advice, bool news, Findings& findings) const;
  void see_recovery(const GpuReading& reading, Findings& findings);
  void see_events(const GpuReading& reading, std::int64_t now, Findings& findings);
  void judge_burst(const std::vector<std::uint64_t>& fresh, const std::vector<std::uint64_t>& first,
                   Findings& findings) const;
  void see_signals(const GpuReading& reading, std::int64_t now, Findings& findings);

  std::int64_t burst_ms_;
  std::vector<std::uint64_t> burst_;  // XIDs, each once, in the order they came
  std::int64_t burst_last_ = 0;
  bool unavailable_ = false;    // in this burst
  std::uint32_t standing_ = 0;  // bit i: signal_rows()[i] is over its threshold
  NvmlStatus status_ = NvmlStatus::kOk;
  RecoveryAction recovery_ = RecoveryAction::kNone;
  GpuMeasures measures_;
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_GPU_EVIDENCE_H_
