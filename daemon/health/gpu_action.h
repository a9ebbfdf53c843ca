// What may be done about a GPU.
#ifndef DAEMON_HEALTH_GPU_ACTION_H_
#define DAEMON_HEALTH_GPU_ACTION_H_

#include <cstdint>
#include <string_view>

namespace daemon_health {

// By gravity: the set's gravest is taken.
enum class GpuAction : std::uint8_t {
  kNone,             // nothing was seen
  kWatch,            // written down; work goes on
  kRestartEngine,    // drain nothing: the context is gone; end the engine, a fresh one resumes
  kDrainAndRestart,  // let requests end (or resume), then a fresh engine
  kQuarantine,       // this GPU computes no more; go on with the others, or on the CPU
  kAskReset,         // quarantine, and a person or a script resets the GPU
  kAskReboot,        // likewise the machine
  kCallForRma,       // likewise the card is to be replaced
};
std::string_view gpu_action_name(GpuAction action);  // "restart_engine", …

// Ends with a person: from here on the GPU is not used.
constexpr bool quarantines(GpuAction action) {
  return action >= GpuAction::kQuarantine;
}

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_GPU_ACTION_H_
