// The engine role: verifies and loads the model, then serves the gateway's requests until its
// control channel ends.
//
// One loop, one thread (the kernels' workers sleep between steps): messages in, one forward pass,
// events out. A gateway that does not read stops the computing, never grows memory. A gateway that
// goes away takes its requests with it. A device error ends the process: a fresh engine is the
// cure.
#ifndef DAEMON_ENGINE_ENGINE_ROLE_H_
#define DAEMON_ENGINE_ENGINE_ROLE_H_

#include "daemon/engine/engine_hooks.h"
#include "daemon/supervisor/role_context.h"

namespace daemon_engine {

// Returns the process's exit status: 0 after the control channel ended, 1 when it failed and a
// fresh process may do better, 5 when the model is not to serve here (said in `rejected` before): a
// signature, a known answer on the CPU or the qualification is wrong. Where the device failed it
// does not return but ends the process: with 3; with 4 when a step on it did not end; with 6 when
// it could not begin on its GPUs, or they gave another answer than the known one (start_checks.h).
// Which GPUs is said in `gpus_in_use` before they are opened.
int run_engine_role(daemon_supervisor::RoleContext context, const EngineHooks& hooks);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ENGINE_ROLE_H_
