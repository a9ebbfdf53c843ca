// The packed weights of one engine, kept for the next: a memfd that nobody can change any more.
// They were sealed while that engine loaded a verified model, before it had seen a byte of a
// client.
#ifndef DAEMON_SUPERVISOR_KEPT_WEIGHTS_H_
#define DAEMON_SUPERVISOR_KEPT_WEIGHTS_H_

#include <cstdint>
#include <string>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// Under this name systemd keeps them while the service is restarted.
inline constexpr char kWeightsName[] = "redoubt-weights";

struct KeptWeights {
  base::Fd fd;
  std::uint64_t bytes = 0;
  std::string key;  // as the engine named them; empty for those that systemd kept

  // Takes a descriptor somebody handed in. kInvalidInput unless it is a memfd of at least one byte,
  // sealed against writing, growing, shrinking and further seals. Nothing of its contents is read
  // here.
  static base::Result<KeptWeights> adopt(base::Fd fd, std::string key);
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_KEPT_WEIGHTS_H_
