// What is to be done about a GPU: a state machine per GPU over facts, events of the engine, and
// time. A pure value: it touches nothing, so every row of the tables is tested. The supervisor
// carries out what it says.
//
//   healthy ◄──► suspect ──► draining ──► resetting ──► verifying ──► healthy or suspect
//      │            │            │             │             │
//      └────────────┴────────────┴─────────────┴─────────────┴──► quarantined ──► verifying
//
//   healthy      nothing speaks against it
//
//   suspect      watched; it computes
//
//   draining     its work may come to an end; no more is begun
//
//   resetting    the engine on it ends, and what it held comes free: processes that were seen there
//                are seen no more; or, where none were, the next engine begins; or time passes
//
//   verifying    free for an engine, whose known answer decides. Nothing else makes a GPU healthy
//                that was out of use; suspect, where something is still to be watched
//
//   quarantined  until a person clears it
//
// Where the context is gone already, healthy and suspect go to resetting at once. Verifying goes
// back there when the engine fails, and draining on to verifying when another engine has started
// meanwhile. is_drawn() has every edge.
//
// Decision order: return codes of NVML, the driver's own recovery action (field 230), the XIDs of a
// burst (until three minutes of silence, decided on as a set: the gravest), counters and gauges
// against thresholds. The first of them that takes the GPU out of use decides; if none does, the
// first that wants another engine; what is to be watched is told beside it. Tables and thresholds
// are data, in xid_table.cc and care_table.cc, with their sources.
//
// At most kGpusMax GPUs are known, for good: what comes on top is not watched. A GPU that vanishes
// is lost, and stays so when it comes back, until a person clears it.
#ifndef DAEMON_HEALTH_GPU_CARE_H_
#define DAEMON_HEALTH_GPU_CARE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/health/gpu_action.h"
#include "daemon/health/gpu_evidence.h"
#include "daemon/health/gpu_facts.h"

namespace daemon_health {

enum class GpuState : std::uint8_t {
  kHealthy,
  kSuspect,
  kDraining,
  kResetting,
  kVerifying,
  kQuarantined
};
std::string_view gpu_state_name(GpuState state);

bool is_drawn(GpuState from, GpuState to);  // an edge of the picture above; to itself is none

// Why, and what an operator does next. Texts are whole sentences for people.
struct GpuVerdict {
  std::string uuid;
  GpuState from = GpuState::kHealthy;
  GpuState to = GpuState::kHealthy;
  GpuAction action = GpuAction::kNone;
  std::string cause;  // "xid 79", "nvml gpu_is_lost", "recovery node_reboot", "row remap failed":
                      // stable, for machines
  std::string text;   // "the GPU has fallen off the bus (XID 79)"
  std::string next_step;  // "Reboot the machine; if it happens again, have the card and its seat
                          // inspected."
};

// What became of a verdict's action, and what the engine says.
enum class GpuHappening : std::uint8_t {
  kEngineStarted,   // it is about to open this GPU: verification (a fixed answer) goes on
  kEngineVerified,  // it serves: the known answer was right
  kEngineFailed,    // it could not start on it, or gave another answer than the known one
  kEngineHung,      // a step passed its deadline
  kStickyError,     // a CUDA error that outlives every call
  kDrained,
  kOperatorCleared,  // `redoubt gpu clear UUID`
};

class GpuCare {
 public:
  struct Limits {
    std::uint32_t resets_max = 2;  // asked for one GPU; then it is to be inspected
    std::uint32_t engine_restarts_max =
        3;  // for one GPU, without healthy_after_ms of quiet between them; then quarantine
    std::int64_t burst_ms = 180'000;  // an XID counts until so long after the last one
    std::int64_t healthy_after_ms =
        600'000;  // suspect, nothing to be watched and no news: healthy again
    std::int64_t silence_ms =
        10'000;  // no snapshot for so long: suspect, "the health role does not answer"
    std::int64_t drain_ms = 300'000;   // then the engine is ended as it is
    std::int64_t release_ms = 60'000;  // then what still holds the GPU is beyond us: a reset
  };
  GpuCare() : GpuCare(Limits{}) {}
  explicit GpuCare(const Limits& limits) : limits_(limits) {}

  // Times are milliseconds of a monotonic clock. Each returns what has changed, at once: an
  // unchanged cause is not told again (no flapping). A verdict whose state stays the same tells one
  // more thing to be watched, or a graver cause.
  std::vector<GpuVerdict> observe(const GpuSnapshot& snapshot, std::int64_t now);
  std::vector<GpuVerdict> happened(std::string_view uuid, GpuHappening what, std::int64_t now);
  std::vector<GpuVerdict> tick(std::int64_t now);

  struct Status {
    GpuReading last;
    GpuState state = GpuState::kHealthy;
    GpuVerdict verdict;      // the last that was told
    std::int64_t since = 0;  // in this state
    std::uint32_t resets = 0, restarts = 0;
  };
  const std::map<std::string, Status, std::less<>>& gpus() const { return gpus_; }
  bool usable(std::string_view uuid) const;  // healthy, suspect or verifying; an unknown GPU is
  std::optional<std::int64_t> next_deadline() const;

 private:
  // What is remembered of a GPU beyond its status.
  struct Memory {
    explicit Memory(std::int64_t burst_ms) : evidence(burst_ms) {}

    GpuEvidence evidence;
    bool seen = false;  // in a snapshot
    bool engine_here = false;
    GpuAction held = GpuAction::kNone;  // why it is quarantined
    std::int64_t last_news = 0, last_restart = 0;
    std::vector<std::uint32_t> holders;  // processes when resetting began
  };

  struct Gpu {
    Status& status;
    Memory& memory;
  };
  using Verdicts = std::vector<GpuVerdict>;

  std::optional<Gpu> know(std::string_view uuid);
  Memory& memory_of(const std::string& uuid);
  void observe_gpu(Gpu gpu, const GpuReading& reading, std::int64_t now, Verdicts& verdicts);
  void observe_absent(Gpu gpu, NvmlStatus library, std::int64_t now, Verdicts& verdicts);
  void judge(Gpu gpu, const std::vector<Finding>& findings, std::int64_t now, Verdicts& verdicts);
  void tick_gpu(Gpu gpu, std::int64_t now, Verdicts& verdicts);

  void act(Gpu gpu, const Finding& finding, std::int64_t now, Verdicts& verdicts);
  void restart(Gpu gpu, const Finding& finding, std::int64_t now, Verdicts& verdicts);
  void quarantine(Gpu gpu, const Finding& finding, std::int64_t now, Verdicts& verdicts);
  void started(Gpu gpu, std::int64_t now, Verdicts& verdicts);
  void verified(Gpu gpu, std::int64_t now, Verdicts& verdicts);
  void cleared(Gpu gpu, std::int64_t now, Verdicts& verdicts);
  static void tell(Gpu gpu, GpuState to, const Finding& finding, std::int64_t now,
                   Verdicts& verdicts);
  bool to_be_watched(const Memory& memory) const { return silent_ || memory.evidence.stands(); }

  Limits limits_;
  std::map<std::string, Status, std::less<>> gpus_;
  std::map<std::string, Memory, std::less<>> memories_;
  std::optional<std::int64_t> last_snapshot_;
  bool silent_ = false;
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_GPU_CARE_H_
