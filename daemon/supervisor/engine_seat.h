// An engine as the supervisor keeps it: a model, the role that runs it, and how far the gateway has
// been told about it.
#ifndef DAEMON_SUPERVISOR_ENGINE_SEAT_H_
#define DAEMON_SUPERVISOR_ENGINE_SEAT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "daemon/supervisor/models.h"
#include "daemon/supervisor/role.h"
#include "hardening/base/log.h"

namespace daemon_supervisor {

struct EngineSeat {
  // `log` outlives this.
  EngineSeat(EngineModel opened, const base::Logger& log)
      : model(std::move(opened)), role(std::move(model.spec), log) {}

  EngineModel model;
  Role role;
  std::uint64_t number = 0;  // PROTOCOL.md: the gateway's link to engines of this model

  bool served = false;               // it was ready, and what follows from that was done
  std::int64_t prove_again_at = 0;   // after a failure to record that
  std::string rejected;              // why the engine refuses the model; empty: it does not
  std::uint64_t counted_starts = 1;  // of the role's generations, those the trial has counted
  bool hopeless = false;             // it cannot be started, and nothing can take its place
  bool over = false;                 // retired, and its time is up

  // GPUs (supervisor_gpus.cc).
  std::vector<std::string> gpus;   // that the present process touches, as it named them last
  std::uint64_t gpu_ends = 0;      // of the role's ends, those of which its GPUs were told
  std::uint64_t gpu_verified = 0;  // the generation whose being ready they were told of

  // Which incarnations hold the two ends of one channel.
  std::uint64_t introduced_gateway = 0;
  std::uint64_t introduced_generation = 0;
  std::int64_t introduced_at = 0;  // or tried to
  bool peer_lost = false;          // one of the two says that their channel is of no more use
  // What the present gateway was last told of it.
  std::uint64_t told_gateway = 0;
  std::string told_state;
  std::uint64_t told_ends = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ENGINE_SEAT_H_
