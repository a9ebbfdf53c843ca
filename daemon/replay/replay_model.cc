#include "daemon/replay/replay_model.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "daemon/engine/own_signature.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "provisioning/limits.h"
#include "provisioning/store/model_store.h"
#include "provisioning/trust/trust_store.h"

namespace daemon_replay {
namespace {

using base::Result;
using daemon_config::Config;
using daemon_engine::EngineConfig;

// All that makes answers fast and none of what they are may differ from the service's.
EngineConfig engine_of(const Config& config) {
  constexpr std::uint32_t kQueueMin = 64;  // several prompts of one request, and others beside it
  EngineConfig engine = config.engine;
  engine.qualify = false;
  engine.keep_weights = "never";
  engine.queue_max = std::max(engine.queue_max, kQueueMin);
  return engine;
}

Result<std::vector<std::string>> configured_keys(const Config& config) {
  std::vector<std::string> keys;
  for (const std::string& path : config.model.trusted_keys) {
    keys.push_back(TRY(
        base::read_text_file(path, provisioning::kKeyFileBytesMax).context("model.trusted_keys")));
  }
  return keys;
}

Result<ReplayModel> open_stored(const Config& config, const provisioning::ModelStore& store,
                                const provisioning::StoredModel& stored) {
  const daemon_supervisor::StatePaths paths(config);
  const auto trust = TRY(provisioning::TrustStore::open(paths.trust));
  ReplayModel model;
  model.config = engine_of(config);
  model.config.created = stored.imported;
  model.config.source = stored.bare ? "bare" : "release";
  model.config.model_digest = stored.id;
  model.config.trust_root_text = trust.root_text();
  if (stored.bare) {
    model.config.signature_text = TRY(store.signature_text(stored));
    model.config.trusted_keys_pem = TRY(configured_keys(config));
  } else {
    model.config.release_text = TRY(store.release_text(stored));
  }
  model.files = TRY(store.open_objects());
  return model;
}

}  // namespace

Result<ReplayModel> find_model(const Config& config, const std::string& digest) {
  if (!config.model.directory.empty()) return open_model_directory(config, config.model.directory);
  const auto store =
      TRY(provisioning::ModelStore::open(daemon_supervisor::StatePaths(config).store));
  auto stored = store.find(digest);
  if (!stored.ok()) {
    return base::not_found("model " + digest +
                           " is not in the store: import its bundle, or name its files (--model)");
  }
  return open_stored(config, store, stored.value());
}

Result<ReplayModel> open_model_directory(const Config& config, const std::string& path) {
  ReplayModel model;
  model.config = engine_of(config);
  model.config.source = "directory";
  model.files = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
  TRY(daemon_engine::sign_for_ourselves(model.files, model.config));
  return model;
}

}  // namespace daemon_replay
