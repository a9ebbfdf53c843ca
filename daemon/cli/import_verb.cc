// redoubt import: a signed bundle or model (a mounted stick, say) into the appliance's store, and
// then into service.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/cli/act.h"
#include "daemon/cli/activation_watch.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/importer/medium_path.h"
#include "daemon/importer/model_import.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"
#include "provisioning/store/model_store.h"

namespace daemon_cli {
namespace {

using daemon_importer::Imported;

constexpr std::string_view kUnchanged = "Nothing was imported; the models are as they were.";

struct ImportOptions {
  std::string path;
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string name;
  bool no_activate = false;
  bool recheck = false;
  bool json = false;
};

// Errors name what strangers have written; a terminal does as it is told.
base::Error printable(base::Error error) {
  std::replace_if(
      error.message.begin(), error.message.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return error;
}

base::Result<Imported> import_path(const ImportOptions& options,
                                   const daemon_config::Config& config) {
  daemon_importer::ImportRequest request;
  const std::string path = TRY(daemon_importer::find_bundle(options.path));
  // O_NONBLOCK: a FIFO of that name is refused, not waited for.
  request.medium = TRY(base::open_file(path, O_RDONLY | O_NONBLOCK));
  request.name = options.name;
  request.recheck = options.recheck;
  ProgressBar bar("importing");
  return daemon_importer::import_model(config, request,
                                       [&](const daemon_importer::Progress& progress) {
                                         bar.update(progress.done, progress.total);
                                       });
}

std::string join(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

void print_imported(const Imported& imported) {
  const provisioning::StoredModel& model = imported.model;
  const std::string sequence = model.bare ? "" : fmt::format(" sequence {}", model.sequence);
  const std::string version =
      model.version.empty() ? "" : fmt::format(", version {}", model.version);
  fmt::print("{}   {}{}{}\nid         {}\nbytes      {}\nsigned by  {}\n",
             imported.already ? "present " : "imported", model.name, sequence, version, model.id,
             model.bytes, join(model.signers));
  if (imported.already) fmt::print("It is in the store already; nothing was read.\n");
}

void print_json(const Imported& imported, const base::Json& activation) {
  const provisioning::StoredModel& model = imported.model;
  base::Json signers = base::Json::array();
  for (const std::string& signer : model.signers) signers.push_back(signer);
  base::Json warnings = base::Json::array();
  for (const std::string& warning : imported.warnings) warnings.push_back(warning);
  fmt::print("{}\n", base::Json::object({{"id", model.id},
                                         {"bare", model.bare},
                                         {"name", model.name},
                                         {"sequence", model.sequence},
                                         {"version", model.version},
                                         {"bytes", model.bytes},
                                         {"verity", model.verity},
                                         {"already", imported.already},
                                         {"signers", std::move(signers)},
                                         {"warnings", std::move(warnings)},
                                         {"activation", activation}})
                         .dump());
}

// Whether a model that was in the store already has had its turn: it serves or did, waits for its
// trial, or has failed. Where an import was cut off before it came to that, the next one makes up
// for it.
base::Result<bool> had_its_turn(const daemon_config::Config& config, const std::string& id) {
  const auto store =
      TRY(provisioning::ModelStore::open(daemon_supervisor::StatePaths(config).store));
  const auto activation = TRY(store.activation());
  return activation.needs(id) || activation.failure_of(id) != nullptr;
}

// What came of activating it, for both ways of printing.
base::Result<base::Json> activate(const ImportOptions& options, const daemon_config::Config& config,
                                  const Imported& imported) {
  if (options.no_activate) return base::Json("not asked for");
  if (imported.already && TRY(had_its_turn(config, imported.model.id)))
    return base::Json("as it was");
  if (TRY(activate_model(config, imported.model.id)) == Activated::kNow) return base::Json("done");
  return base::Json("at the next start");
}

void print_activation(const base::Json& activation) {
  if (activation.as_string() == "done")
    fmt::print("It has proven itself and serves from now on.\n");
  if (activation.as_string() == "as it was")
    fmt::print("Nothing was changed: see 'redoubt models list'.\n");
  if (activation.as_string() == "at the next start") {
    fmt::print(
        "No service runs: it is tried at the next start, and the former one stays if it fails.\n");
  }
}

ActArguments act_arguments(const ImportOptions& options) {
  ActArguments arguments{{"path", options.path}};
  if (!options.name.empty()) arguments.emplace_back("name", options.name);
  if (options.no_activate) arguments.emplace_back("no_activate", "yes");
  if (options.recheck) arguments.emplace_back("recheck", "yes");
  return arguments;
}

void add_facts(const Imported& imported, Act& act) {
  const provisioning::StoredModel& model = imported.model;
  act.add_fact("id", model.id);
  act.add_fact("name", model.name);
  if (!model.bare) act.add_fact("sequence", model.sequence);
  act.add_fact("already", imported.already);
  base::Json signers = base::Json::array();
  for (const std::string& signer : model.signers) signers.push_back(signer);
  act.add_fact("signers", std::move(signers));
}

int run_import(const ImportOptions& options) {
  const base::Logger log("import");
  const auto config = daemon_config::read_config(options.config);
  if (!config.ok()) return report_failure(config.error(), kUnchanged);
  Act act("import", act_arguments(options));
  const auto begun = act.begin(config.value());
  if (!begun.ok()) return report_failure(begun.error(), kUnchanged);
  const auto imported = import_path(options, config.value());
  if (!imported.ok()) {
    (void)act.finish(base::Status(imported.error()));
    const base::Error error = printable(imported.error());
    log.error("import refused",
              {{"verdict", base::error_code_name(error.code)}, {"reason", error.message}});
    return report_failure(error, kUnchanged);
  }
  const provisioning::StoredModel& model = imported.value().model;
  add_facts(imported.value(), act);
  log.info("import accepted", {{"verdict", imported.value().already ? "present" : "imported"},
                               {"id", model.id},
                               {"name", model.name},
                               {"sequence", static_cast<std::int64_t>(model.sequence)}});
  for (const std::string& warning : imported.value().warnings)
    log.warning("import warning", {{"what", warning}});
  if (!options.json) print_imported(imported.value());
  const auto activation = act.finish(activate(options, config.value(), imported.value()));
  if (!activation.ok()) {
    if (options.json) print_json(imported.value(), "failed");
    return report_failure(printable(activation.error()),
                          "It is in the store, and what served before still does.");
  }
  options.json ? print_json(imported.value(), activation.value())
               : print_activation(activation.value());
  return kExitOk;
}

}  // namespace

void add_import(Command& parent) {
  Command& verb =
      parent.add("import", "verify a signed bundle, copy it into the store, put it into service");
  auto options = std::make_shared<ImportOptions>();
  verb.argument("PATH", options->path,
                "an .rdb, a bundle's or a model's directory, or a medium that holds one of them");
  verb.option("--config", options->config,
              "the appliance's configuration: says where the store is and who is trusted");
  verb.option("--name", options->name,
              "what clients call a model without a release; the signed name when not given");
  verb.flag("--no-activate", options->no_activate, "leave it in the store");
  verb.flag("--recheck", options->recheck, "read files that the store has, too, and replace those");
  verb.flag("--json", options->json, "print JSON");
  verb.runs([options] { return run_import(*options); });
}

}  // namespace daemon_cli
