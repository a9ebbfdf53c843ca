// Which model the engine runs, as the supervisor sees it: models are opened, tried, proven and
// failed here, and every step that must survive a power loss has survived it when its function
// returns. What is on disk is model_library.h; tests put something else in its place.
#ifndef DAEMON_SUPERVISOR_MODELS_H_
#define DAEMON_SUPERVISOR_MODELS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/supervisor/role.h"
#include "hardening/base/fd.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// A model that was opened for an engine. Nothing of its files was read: the engine does, and
// verifies.
struct EngineModel {
  std::string id;  // in the store; empty: a configured directory, which no other takes the place of
  std::string name;            // what clients call it
  std::uint64_t sequence = 0;  // of a release
  std::string version;
  std::string path;
  std::int64_t created = 0;  // unix seconds
  std::uint64_t bytes = 0;   // of its files; 0: not known
  bool on_trial = false;     // it has not proven itself yet
  base::Fd files;            // the spec borrows it
  RoleSpec spec;
};

class Models {
 public:
  virtual ~Models() = default;

  // The model to start with. One on trial has this start counted; one that cannot even be opened is
  // failed, and the next best is taken. An Error: there is none.
  virtual base::Result<EngineModel> open_to_start() = 0;
  // Puts a model of the store on trial, counts its first start, and opens it.
  virtual base::Result<EngineModel> open_for_trial(const std::string& id) = 0;
  // Puts it on trial from the next start on; for the active one, ends the trial of another.
  virtual base::Status propose(const std::string& id) = 0;
  // What `rollback` goes back to; kNotFound when there is nothing.
  virtual base::Result<std::string> previous() = 0;
  // Whether two engines have room, one for `model` and one for the model of that id; else the
  // numbers.
  virtual base::Status check_room(const std::string& id, const EngineModel& model) = 0;

  // Counts another start of the model on trial, whose last one ended so; false: it was tried often
  // enough and is failed.
  virtual bool try_again(const std::string& id, std::string_view last_exit) = 0;
  // It is active from now on.
  virtual base::Status prove(const EngineModel& model) = 0;
  virtual void fail(const std::string& id, const std::string& why) = 0;
  // The active model is failed, and the previous one active; false: there is none that could be.
  virtual bool fall_back(const std::string& id, const std::string& why) = 0;

  // An engine of the active model is ready for the first time and reports this: floors are raised,
  // answers recorded. The configuration for its next start; an Error: the one it has will do.
  virtual base::Result<base::Fd> served(const EngineModel& model, const base::Json& report) = 0;

  // The GPUs that engines may not use, by UUID: of every configuration that is made from now on.
  virtual void exclude_gpus(std::vector<std::string> uuids) = 0;
  // The configuration of this model's engine, made anew. `on_trial` as when it was opened.
  virtual base::Result<base::Fd> config_of(const EngineModel& model) = 0;

  // For `redoubt status`: an object.
  virtual base::Json report() = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_MODELS_H_
