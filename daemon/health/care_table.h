// What states, events and numbers mean: rows for NVML's return codes, for the driver's own recovery
// action (field 230), for events that are no XIDs, and the thresholds for counters and gauges.
// Data; gpu_care.h decides with it.
//
// Sources: NVML API 13 for codes and actions; DCGM 4.6.0 for thresholds, where FAIL takes a GPU out
// of use and WARN is written down; gpud for the slowdowns. Departures, and why:
//
//   timeouts of NVML  drain and start the engine anew instead of ending with a person: a single
//                     one may be a busy driver, and one that stays runs into the limit of restarts
//
//   volatile errors   that were contained (XID 94) are not held against a GPU: NVIDIA lets work go
//                     on until the next reset
//
//   NVLinks           count from the first reading on: a card without a bridge has every link
//                     down, and is well
//
//   temperature       is watched as a share of the card's own limits. Margins are not: an H100 may
//                     say 0 where nothing is wrong
#ifndef DAEMON_HEALTH_CARE_TABLE_H_
#define DAEMON_HEALTH_CARE_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/health/gpu_action.h"
#include "daemon/health/gpu_facts.h"
#include "daemon/health/gpu_measures.h"

namespace daemon_health {

struct Advice {
  GpuAction action = GpuAction::kNone;
  std::string_view cause;  // for machines: "nvml gpu_is_lost"
  std::string_view what;   // half a sentence
  std::string_view next_step;
  std::string_view source;
};

// kNone where nothing follows. Of a reading, and of the library as a whole.
const Advice& status_advice(NvmlStatus status);
const Advice& recovery_advice(RecoveryAction action);

struct SignalRow {
  Signal signal;
  std::uint64_t at;            // from here on
  std::uint64_t clears_below;  // and until it is below this: no flapping
  Advice advice;
};
std::span<const SignalRow> signal_rows();

// The XID that an event of another type amounts to, or 0. Double bit error, storm of single bit
// errors, DRAM retirement and its failure, poison (contained and not), a changed recovery action.
std::uint64_t xid_of_event(std::uint64_t type);
const Advice& unavailable_advice();  // GpuUnavailable events
inline constexpr std::uint64_t kEventGpuUnavailable = 0x4000;

// What the supervisor and the engine tell.
const Advice& vanished_advice();
const Advice& silence_advice();
const Advice& hung_advice();
const Advice& sticky_advice();
const Advice& failed_advice();
const Advice& not_released_advice();
const Advice& drained_advice();
const Advice& not_drained_advice();
const Advice& reset_too_often_advice();
const Advice& restarted_too_often_advice();

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_CARE_TABLE_H_
