// The models of this appliance on disk: the store, what it says is active, and the trust store that
// says whose signatures count; or the one directory that the configuration names.
#ifndef DAEMON_SUPERVISOR_MODEL_LIBRARY_H_
#define DAEMON_SUPERVISOR_MODEL_LIBRARY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "daemon/config/config.h"
#include "daemon/supervisor/models.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/clock.h"
#include "hardening/base/log.h"
#include "provisioning/store/model_store.h"
#include "provisioning/trust/trust_store.h"

namespace daemon_supervisor {

class ModelLibrary final : public Models {
 public:
  // How an engine is started, but for its configuration and its model.
  using MakeSpec = std::function<base::Result<RoleSpec>()>;

  // Log and clock outlive this.
  ModelLibrary(daemon_config::Config config, MakeSpec make_spec, const base::Logger& log,
               const base::Clock& clock);

  base::Result<EngineModel> open_to_start() override;
  base::Result<EngineModel> open_for_trial(const std::string& id) override;
  base::Status propose(const std::string& id) override;
  base::Result<std::string> previous() override;
  base::Status check_room(const std::string& id, const EngineModel& model) override;
  bool try_again(const std::string& id, std::string_view last_exit) override;
  base::Status prove(const EngineModel& model) override;
  void fail(const std::string& id, const std::string& why) override;
  bool fall_back(const std::string& id, const std::string& why) override;
  base::Result<base::Fd> served(const EngineModel& model, const base::Json& report) override;
  void exclude_gpus(std::vector<std::string> uuids) override {
    gpus_excluded_ = std::move(uuids);
    gpu_care_ = true;
  }
  base::Result<base::Fd> config_of(const EngineModel& model) override;
  base::Json report() override;

 private:
  using Change = std::function<bool(provisioning::Activation&)>;

  base::Result<EngineModel> open_directory();
  base::Result<base::Fd> directory_config(const std::string& name, std::int64_t created);
  base::Result<EngineModel> open_stored(const std::string& id, bool on_trial);
  base::Result<base::Fd> engine_config(provisioning::ModelStore& store,
                                       const provisioning::StoredModel& stored, bool qualify);
  base::Result<std::vector<std::string>> trusted_keys(const provisioning::TrustStore& trust) const;
  base::Status change(const Change& change);
  bool changed(std::string_view what, const Change& change);  // logs what fails
  base::Status raise_floor(const EngineModel& model);
  void look_at_trust();
  const std::string& name_of(const provisioning::StoredModel& stored) const;
  std::int64_t now() const { return clock_.unix_seconds(); }

  daemon_config::Config config_;
  StatePaths paths_;
  MakeSpec make_spec_;
  const base::Logger& log_;
  const base::Clock& clock_;
  std::vector<std::string> gpus_excluded_;
  bool gpu_care_ = false;  // somebody says which
  // As they were seen a minute ago at most.
  std::int64_t look_again_at_s_ = 0;
  std::uint64_t trust_version_ = 0;  // of the root in force; 0: none
  std::string trust_anchor_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_MODEL_LIBRARY_H_
