#include "daemon/supervisor/model_library.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "daemon/supervisor/free_memory.h"
#include "daemon/supervisor/sealed_memfd.h"
#include "hardening/base/file.h"
#include "provisioning/trust/judgement.h"

namespace daemon_supervisor {

using base::Json;
using base::Result;
using base::Status;
using provisioning::Activation;
using provisioning::ModelStore;
using provisioning::StoredModel;
using provisioning::TrustStore;

namespace {

constexpr std::size_t kPemBytesMax = 64 * 1024;

std::string last_component(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

Result<std::int64_t> modified_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::io_error(errno, path);
  return static_cast<std::int64_t>(info.st_mtim.tv_sec);
}

Result<base::Fd> seal(const daemon_engine::EngineConfig& config) {
  return create_sealed_memfd("engine-config", config.serialize().dump());
}

base::Error no_model() {
  return base::not_found("there is no model to serve: import one with 'redoubt import PATH'");
}

}  // namespace

ModelLibrary::ModelLibrary(daemon_config::Config config, MakeSpec make_spec,
                           const base::Logger& log, const base::Clock& clock)
    : config_(std::move(config)),
      paths_(config_),
      make_spec_(std::move(make_spec)),
      log_(log),
      clock_(clock) {}

// ---- opening ------------------------------------------------------------------------------------

const std::string& ModelLibrary::name_of(const StoredModel& stored) const {
  return config_.model.name.empty() ? stored.name : config_.model.name;
}

// Whose signature a bare model must carry.
Result<std::vector<std::string>> ModelLibrary::trusted_keys(const TrustStore& trust) const {
  std::vector<std::string> keys;
  if (trust.root() && !trust.root()->model.bare) {
    return base::denied("the trust root does not permit models without a release (its model.bare)");
  }
  if (trust.root()) {
    for (const std::string& id : trust.root()->model.key_ids) {
      const auto* key = trust.root()->find(id);
      if (key != nullptr && !trust.root()->revoked_keys.contains(id)) keys.push_back(key->pem);
    }
    if (!keys.empty()) return keys;
  }
  if (config_.model.trusted_keys.empty()) {
    return base::invalid_input(
        "model.trusted_keys is empty, and there is no trust root that names keys: say whose "
        "signature a model must carry");
  }
  for (const std::string& path : config_.model.trusted_keys)
    keys.push_back(TRY(base::read_text_file(path, kPemBytesMax).context("model.trusted_keys")));
  return keys;
}

Result<EngineModel> ModelLibrary::open_directory() {
  const std::string& directory = config_.model.directory;
  EngineModel model;
  model.name = config_.model.name.empty() ? last_component(directory) : config_.model.name;
  model.path = directory;
  model.created = TRY(modified_at(directory).context("model.directory"));
  model.files = TRY(base::open_file(directory, O_RDONLY | O_DIRECTORY).context("model.directory"));
  model.spec = TRY(make_spec_());
  model.spec.config = TRY(directory_config(model.name, model.created));
  model.spec.resources = {model.files.get()};
  return model;
}

Result<base::Fd> ModelLibrary::directory_config(const std::string& name, std::int64_t created) {
  const TrustStore trust = TRY(TrustStore::open(paths_.trust));
  daemon_engine::EngineConfig engine = config_.engine;
  engine.model_id = name;
  engine.created = created;
  engine.trusted_keys_pem = TRY(trusted_keys(trust));
  engine.gpus_excluded = gpus_excluded_;
  engine.gpu_care = gpu_care_;
  return seal(engine);
}

Result<base::Fd> ModelLibrary::config_of(const EngineModel& model) {
  if (model.id.empty()) return directory_config(model.name, model.created);
  ModelStore store = TRY(ModelStore::open(paths_.store));
  const StoredModel stored = TRY(store.find(model.id));
  return engine_config(store, stored, model.on_trial);
}

Result<base::Fd> ModelLibrary::engine_config(ModelStore& store, const StoredModel& stored,
                                             bool qualify) {
  const TrustStore trust = TRY(TrustStore::open(paths_.trust));
  daemon_engine::EngineConfig engine = config_.engine;
  engine.model_id = name_of(stored);
  engine.created = stored.imported;
  engine.qualify = qualify;
  engine.gpus_excluded = gpus_excluded_;
  engine.gpu_care = gpu_care_;
  engine.known_answers = TRY(store.answers(stored));
  engine.source = stored.bare ? "bare" : "release";
  engine.model_digest = stored.id;
  engine.trust_root_text = trust.root_text();
  if (stored.bare) {
    engine.signature_text = TRY(store.signature_text(stored));
    engine.trusted_keys_pem = TRY(trusted_keys(trust));
  } else {
    if (!trust.root()) {
      return base::denied(
          "a release wants a trust root, and there is none here: pin one with 'redoubt trust "
          "init'");
    }
    engine.release_text = TRY(store.release_text(stored));
  }
  return seal(engine);
}

Result<EngineModel> ModelLibrary::open_stored(const std::string& id, bool on_trial) {
  ModelStore store = TRY(ModelStore::open(paths_.store));
  const StoredModel stored = TRY(store.find(id));
  EngineModel model;
  model.id = stored.id;
  model.name = name_of(stored);
  model.sequence = stored.sequence;
  model.version = stored.version;
  model.path = stored.directory;
  model.created = stored.imported;
  model.bytes = stored.bytes;
  model.on_trial = on_trial;
  model.files = TRY(store.open_objects());
  model.spec = TRY(make_spec_());
  model.spec.config = TRY(engine_config(store, stored, on_trial));
  model.spec.resources = {model.files.get()};
  return model;
}

Result<EngineModel> ModelLibrary::open_to_start() {
  if (!config_.model.directory.empty()) return open_directory();
  for (;;) {
    auto store = ModelStore::open(paths_.store);
    if (!store.ok() && store.error().code == base::ErrorCode::kNotFound) return no_model();
    const Activation activation = TRY(TRY(std::move(store)).activation());
    if (activation.trial) {
      bool may = false;
      TRY(change([&](Activation& a) {
        may = a.start_trial(now());
        return true;
      }));
      if (!may) {
        log_.error("ALARM: the model on trial never became ready and is given up",
                   {{"id", activation.trial->id}});
        continue;
      }
    }
    const std::string id = activation.to_start();
    if (id.empty()) return no_model();
    auto model = open_stored(id, activation.trial.has_value());
    if (model.ok()) return model;
    const std::string& why = model.error().message;
    log_.error("ALARM: the model cannot be opened", {{"id", id}, {"why", why}});
    if (activation.trial) {
      TRY(change([&](Activation& a) {
        a.fail(why, now());
        return true;
      }));
    } else if (!fall_back(id, why)) {
      return model;
    }
  }
}

// ---- trials -------------------------------------------------------------------------------------

Status ModelLibrary::change(const Change& change) {
  return TRY(ModelStore::open(paths_.store)).change_activation(change);
}

bool ModelLibrary::changed(std::string_view what, const Change& change) {
  bool did = false;
  const Status status = this->change([&](Activation& a) { return did = change(a); });
  if (!status.ok()) {
    log_.error("ALARM: the store cannot be written",
               {{"what", what}, {"why", status.error().message}});
  }
  return status.ok() && did;
}

Result<EngineModel> ModelLibrary::open_for_trial(const std::string& id) {
  TRY(TRY(ModelStore::open(paths_.store)).find(id));
  TRY(change([&](Activation& a) {
    a.propose(id);
    return a.start_trial(now());
  }));
  auto model = open_stored(id, true);
  if (!model.ok()) fail(id, model.error().message);
  return model;
}

Status ModelLibrary::propose(const std::string& id) {
  TRY(TRY(ModelStore::open(paths_.store)).find(id));
  return change([&](Activation& a) {
    a.propose(id);
    return true;
  });
}

Result<std::string> ModelLibrary::previous() {
  const Activation activation = TRY(TRY(ModelStore::open(paths_.store)).activation());
  if (activation.previous.empty()) return base::not_found("there is no model to go back to");
  return activation.previous;
}

Status ModelLibrary::check_room(const std::string& id, const EngineModel& model) {
  const StoredModel candidate = TRY(TRY(ModelStore::open(paths_.store)).find(id));
  return check_memory({.serving_bytes = model.bytes,
                       .candidate_bytes = candidate.bytes,
                       .kv_cache_bytes = config_.engine.kv_cache_bytes,
                       .memory_bytes_max = config_.engine.memory_bytes_max},
                      TRY(read_available_memory()));
}

bool ModelLibrary::try_again(const std::string& id, std::string_view last_exit) {
  bool may = false;
  const bool wrote = changed("another start of the model on trial", [&](Activation& a) {
    if (!a.trial || a.trial->id != id) return false;
    if (a.trial->starts >= provisioning::kTrialStartsMax)
      a.fail(fmt::format("was started {} times, the last time: {}", a.trial->starts, last_exit),
             now());
    else
      may = a.start_trial(now());
    return true;
  });
  return wrote && may;
}

Status ModelLibrary::prove(const EngineModel& model) {
  return change([&](Activation& a) {
    if (a.active == model.id) return false;
    if (!a.trial || a.trial->id != model.id) a.propose(model.id);  // somebody proposed another
    a.prove();
    return true;
  });
}

void ModelLibrary::fail(const std::string& id, const std::string& why) {
  changed("a failed trial", [&](Activation& a) {
    if (!a.trial || a.trial->id != id) return false;
    a.fail(why, now());
    return true;
  });
}

bool ModelLibrary::fall_back(const std::string& id, const std::string& why) {
  const bool fell = changed(
      "the way back", [&](Activation& a) { return a.active == id && a.fail_active(why, now()); });
  if (fell) log_.error("ALARM: going back to the previous model", {{"from", id}, {"why", why}});
  return fell;
}

// ---- serving ------------------------------------------------------------------------------------

Status ModelLibrary::raise_floor(const EngineModel& model) {
  const ModelStore store = TRY(ModelStore::open(paths_.store));
  const StoredModel stored = TRY(store.find(model.id));
  TrustStore trust = TRY(TrustStore::open(paths_.trust));
  if (stored.bare || !trust.root()) return {};
  const std::string text = TRY(store.release_text(stored));
  return trust.raise(TRY(provisioning::open_release(text, *trust.root())));
}

Result<base::Fd> ModelLibrary::served(const EngineModel& model, const Json& report) {
  const Status raised = raise_floor(model);
  if (!raised.ok())
    log_.error("ALARM: the floor is not raised",
               {{"id", model.id}, {"why", raised.error().message}});
  ModelStore store = TRY(ModelStore::open(paths_.store));
  const StoredModel stored = TRY(store.find(model.id));
  const Json* answers = report.find("known_answers");
  if (answers != nullptr && answers->is_string()) {
    const Status kept = store.set_answers(stored, answers->as_string());
    if (!kept.ok()) log_.error("the known answers are not kept", {{"why", kept.error().message}});
  }
  return engine_config(store, stored, false);
}

Json ModelLibrary::report() {
  Json json = Json::object();
  if (config_.model.directory.empty()) {
    const auto store = ModelStore::open(paths_.store);
    const auto activation = store.ok() ? store.value().activation() : Activation{};
    if (activation.ok()) {
      const Activation& a = activation.value();
      json.set("active", a.active);
      json.set("previous", a.previous);
      if (a.trial)
        json.set("trial", Json::object({{"id", a.trial->id}, {"starts", a.trial->starts}}));
      if (!a.failed.empty()) {
        const auto& last = a.failed.back();
        json.set("last_failure",
                 Json::object({{"id", last.id}, {"why", last.why}, {"time", last.time}}));
      }
    } else {
      json.set("error", activation.error().message);
    }
  }
  look_at_trust();
  json.set("trust_root", trust_version_);
  json.set("floor_anchor", trust_anchor_);
  return json;
}

// Opening the trust store may ask a TPM, which is slow: not for everybody who looks at the status.
void ModelLibrary::look_at_trust() {
  constexpr std::int64_t kLookAgainS = 60;
  const std::int64_t seconds = clock_.monotonic_ns() / 1'000'000'000;
  if (seconds < look_again_at_s_) return;
  look_again_at_s_ = seconds + kLookAgainS;
  const auto trust = TrustStore::open(paths_.trust);
  trust_version_ = trust.ok() && trust.value().root() ? trust.value().root()->version : 0;
  trust_anchor_ = trust.ok() ? trust.value().anchor() : "ALARM: " + trust.error().message;
}

}  // namespace daemon_supervisor
