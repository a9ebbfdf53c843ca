// Only signed weights run, also where somebody tries out files that nobody has signed yet, or whose
// digest says enough: then they are signed as they are, with a key that nobody ever sees.
#ifndef DAEMON_ENGINE_OWN_SIGNATURE_H_
#define DAEMON_ENGINE_OWN_SIGNATURE_H_

#include "daemon/engine/engine_config.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/model_directory.h"

namespace daemon_engine {

// Sets the signature and the trusted key of `config` for the files in `directory`, which it hashes.
base::Status sign_for_ourselves(const base::Fd& directory, EngineConfig& config,
                                const provisioning::FileVerifier::Progress& progress = {});

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_OWN_SIGNATURE_H_
