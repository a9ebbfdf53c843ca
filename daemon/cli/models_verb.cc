// redoubt models: what is in the store, and which of it serves.
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/act.h"
#include "daemon/cli/activation_watch.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/models_text.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "provisioning/store/model_store.h"

namespace daemon_cli {
namespace {

using base::Status;
using daemon_config::Config;
using provisioning::Activation;
using provisioning::ModelStore;
using provisioning::StoredModel;

struct ModelsOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string model;
  bool json = false;
  bool restart = false;
};

std::string store_of(const Config& config) {
  return daemon_supervisor::StatePaths(config).store;
}

std::string called(const StoredModel& model) {
  return model.bare ? fmt::format("{} ({})", model.name, model.id.substr(0, 12))
                    : fmt::format("{} sequence {} ({})", model.name, model.sequence,
                                  model.id.substr(0, 12));
}

Status list(const Config& config, const ModelsOptions& options) {
  auto store = ModelStore::open(store_of(config));
  const bool none = !store.ok() && store.error().code == base::ErrorCode::kNotFound;
  std::vector<StoredModel> models;
  Activation activation;
  if (!none) {
    const ModelStore opened = TRY(std::move(store));
    models = TRY(opened.list());
    activation = TRY(opened.activation());
  }
  const std::string text = options.json ? models_json(models, activation).dump_pretty() + "\n"
                                        : format_models(models, activation);
  std::fputs(text.c_str(), stdout);
  return {};
}

Status put_into_service(const Config& config, const StoredModel& model, bool restart) {
  if (TRY(activate_model(config, model.id, restart)) == Activated::kNow)
    fmt::print("{} has proven itself and serves from now on.\n", called(model));
  else
    fmt::print(
        "No service runs: {} is tried at the next start, and the former one stays if it fails.\n",
        called(model));
  return {};
}

Status activate(const Config& config, const ModelsOptions& options) {
  const ModelStore store = TRY(ModelStore::open(store_of(config)));
  return put_into_service(config, TRY(store.find(options.model)), options.restart);
}

Status roll_back(const Config& config, const ModelsOptions& options) {
  const ModelStore store = TRY(ModelStore::open(store_of(config)));
  const Activation activation = TRY(store.activation());
  if (activation.previous.empty()) return base::not_found("there is no model to go back to");
  return put_into_service(config, TRY(store.find(activation.previous)), options.restart);
}

Status set_pinned(const Config& config, const ModelsOptions& options, bool pinned) {
  ModelStore store = TRY(ModelStore::open(store_of(config)));
  const StoredModel model = TRY(store.find(options.model));
  bool full = false;
  TRY(store.change_activation([&](Activation& activation) {
    full = pinned && activation.pinned.size() >= provisioning::kPinnedMax;
    if (full) return false;
    return pinned ? activation.pinned.insert(model.id).second
                  : activation.pinned.erase(model.id) > 0;
  }));
  if (full)
    return base::exhausted(fmt::format("{} models are pinned already", provisioning::kPinnedMax));
  fmt::print("{} is {}pinned.\n", called(model), pinned ? "" : "not ");
  return {};
}

Status collect(ModelStore& store) {
  const auto collected = TRY(store.collect_garbage());
  fmt::print("{} objects deleted, {} bytes freed.\n", collected.objects, collected.bytes);
  return {};
}

Status remove(const Config& config, const ModelsOptions& options) {
  ModelStore store = TRY(ModelStore::open_for_change(store_of(config)));
  const StoredModel model = TRY(store.find(options.model));
  TRY(store.remove(model));
  fmt::print("{} is removed.\n", called(model));
  return collect(store);
}

Status collect_garbage(const Config& config, const ModelsOptions&) {
  ModelStore store = TRY(ModelStore::open_for_change(store_of(config)));
  return collect(store);
}

using Run = std::function<Status(const Config&, const ModelsOptions&)>;

int run(const ModelsOptions& options, const Run& verb) {
  const auto config = daemon_config::read_config(options.config);
  if (!config.ok()) return report_failure(config.error());
  const Status status = verb(config.value(), options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

// The same, and the audit log is told of it.
Run recorded(std::string command, Run verb) {
  return [command = std::move(command), verb = std::move(verb)](
             const Config& config, const ModelsOptions& options) -> Status {
    ActArguments arguments;
    if (!options.model.empty()) arguments.emplace_back("model", options.model);
    if (options.restart) arguments.emplace_back("restart", "yes");
    Act act(command, std::move(arguments));
    TRY(act.begin(config));
    return act.finish(verb(config, options));
  };
}

Command& add_verb(Command& models, const char* name, const char* help,
                  const std::shared_ptr<ModelsOptions>& options, Run verb) {
  Command& command = models.add(name, help);
  command.option("--config", options->config, "the configuration file of the service");
  command.runs([options, verb = std::move(verb)] { return run(*options, verb); });
  return command;
}

void add_model_argument(Command& command, ModelsOptions& options) {
  command.argument(
      "MODEL", options.model,
      "its name (the newest of it), NAME@SEQUENCE, its id, or the first 8 digits of it");
}

}  // namespace

void add_models(Command& parent) {
  constexpr char kRestart[] =
      "stop the engine that serves first: where memory does not hold two models";
  Command& models = parent.add("models", "what is in the store, and which of it serves");
  const auto options = std::make_shared<ModelsOptions>();
  add_verb(models, "list", "show the models of the store", options, list)
      .flag("--json", options->json, "print JSON");
  Command& activation =
      add_verb(models, "activate",
               "try a model beside the one that serves, and serve it if it proves itself", options,
               recorded("models activate", activate));
  activation.flag("--restart", options->restart, kRestart);
  add_model_argument(activation, *options);
  add_verb(models, "rollback", "activate the model that served before", options,
           recorded("models rollback", roll_back))
      .flag("--restart", options->restart, kRestart);
  add_model_argument(add_verb(models, "pin", "keep a model from being removed", options,
                              recorded("models pin",
                                       [](const Config& c, const ModelsOptions& o) {
                                         return set_pinned(c, o, true);
                                       })),
                     *options);
  add_model_argument(add_verb(models, "unpin", "let a model be removed", options,
                              recorded("models unpin",
                                       [](const Config& c, const ModelsOptions& o) {
                                         return set_pinned(c, o, false);
                                       })),
                     *options);
  add_model_argument(
      add_verb(models, "remove", "remove a model that nothing needs, and free its space", options,
               recorded("models remove", remove)),
      *options);
  add_verb(models, "gc", "free the space of what no model names", options,
           recorded("models gc", collect_garbage));
}

}  // namespace daemon_cli
