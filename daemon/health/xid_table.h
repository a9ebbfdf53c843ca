// What the errors mean that NVIDIA's driver reports by number (XIDs), and what is to be done: every
// row of NVIDIA's catalogue, as data.
//
// Source: NVIDIA's XID catalogue for Ampere and newer ("Analyzing Xid Errors with the Xid Catalog":
// mnemonic and immediate resolution bucket), names checked with nverror.h of the driver. Where
// monitors disagree we decided:
//
//   109        a context switch that timed out: the catalogue says reset, the device plugin of
//              Kubernetes ignores it. Reset: the engines that hang on such a GPU do not come back
//              by being started anew.
//
//   13 31 43   "errors of the application": the application is our engine. 13, 31, 68 and 69 end
//   45 68 69   its context, so it is started anew. 43 leaves the GPU well, and the engine says so
//              if the context was its own. 45 follows the others of its burst: alone it is what
//              ending a process leaves behind, ours included, and restarting the engine for it
//              would never end.
//
//   48         an uncorrectable error, as 171 and 172: reset, unless 94 says in the same burst
//              that it was contained, and 95 does not say otherwise. Contained, one program dies.
//
//   63         a row waits to be remapped, and work may go on. 64, the remapping that failed, asks
//              for a reset.
//
//   154        tells that field 230 has changed, which is read in every round: the field speaks.
//
//   144-150    what they ask for depends on bits that NVML does not hand over: the gravest that
//              the number can mean.
//
//   others     numbers without a row, and rows without a bucket: quarantine and an alarm. Silence
//              would be the wrong guess.
#ifndef DAEMON_HEALTH_XID_TABLE_H_
#define DAEMON_HEALTH_XID_TABLE_H_

#include <cstdint>
#include <string_view>

#include "daemon/health/gpu_action.h"

namespace daemon_health {

inline constexpr std::string_view kXidTableVersion =
    "xid catalogue 2025-10-29, r580 mnemonics, table 1";
inline constexpr std::uint64_t kXidMax = 172;  // the last with a row

enum class XidBucket : std::uint8_t {
  kRestartApp,
  kIgnore,
  kResetGpu,
  kRestartMachine,
  kRestartVm,
  kFollowOthers,   // 45
  kUncorrectable,  // 48 and what says more about it
  kNvlink,
  kReadRecovery,  // 154
  kCheckPower,
  kUpdate,
  kContactSupport,
  kCheckUvm,
  kPowerSmoothing,
  kLikeAHalt,      // without a bucket; a part stopped as in 62 and 158
  kReducedMemory,  // 168
  kUnlisted,       // without a bucket, or not meant for these GPUs
  kUnknown,        // not in the catalogue
};

struct XidAdvice {
  std::uint64_t xid = 0;
  XidBucket bucket = XidBucket::kUnknown;
  GpuAction action = GpuAction::kNone;  // on its own
  std::string_view name;                // of nverror.h: "ROBUST_CHANNEL_GR_EXCEPTION"
  std::string_view what;                // half a sentence: "the GPU has fallen off the bus"
  std::string_view next_step;
  std::string_view source;
};

// For every number there is advice.
XidAdvice xid_advice(std::uint64_t xid);

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_XID_TABLE_H_
