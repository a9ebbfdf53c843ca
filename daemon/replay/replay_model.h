// The model that answered once, to answer again: from the store of an appliance by its digest, or
// from a directory that somebody says it is in.
#ifndef DAEMON_REPLAY_REPLAY_MODEL_H_
#define DAEMON_REPLAY_REPLAY_MODEL_H_

#include <string>

#include "daemon/config/config.h"
#include "daemon/engine/engine_config.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_replay {

// What LoadedModel::load() takes.
struct ReplayModel {
  base::Fd files;
  daemon_engine::EngineConfig config;
};

// kNotFound: neither the store nor the directory of the configuration has it. Signatures are
// checked as the service does, when it is loaded.
base::Result<ReplayModel> find_model(const daemon_config::Config& config,
                                     const std::string& digest);

// Bare files; who signed them does not matter here: they are what they were if their digest is that
// of the records. Hashes them.
base::Result<ReplayModel> open_model_directory(const daemon_config::Config& config,
                                               const std::string& path);

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_REPLAY_MODEL_H_
