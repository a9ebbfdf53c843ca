// redoubt import: a signed model directory (a mounted stick, say) into the appliance's store.
#include <fcntl.h>
#include <fmt/format.h>

#include <memory>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "provisioning/store.h"

namespace daemon_cli {
namespace {

struct ImportOptions {
  std::string directory;
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string name;
  bool keep_active = false;
};

base::Status import_model(const ImportOptions& options) {
  const auto config = TRY(daemon_config::read_config(options.config));
  const auto keys = TRY(read_public_keys(config.model.trusted_keys));
  base::Fd directory = TRY(base::open_file(options.directory, O_RDONLY | O_DIRECTORY));
  const auto model = TRY(provisioning::SignedModel::open(std::move(directory), keys));
  const std::string& name = options.name.empty() ? model.statement().subject : options.name;
  TRY(provisioning::check_model_name(name).context("choose a name with --name"));

  auto store = TRY(provisioning::Store::create(config.paths.state + "/store"));
  provisioning::StoredModel stored;
  {
    ProgressBar bar("importing");
    stored = TRY(store.import(model, name, base::SystemClock().unix_seconds(), bar.callback()));
  }
  if (!options.keep_active) TRY(store.activate(stored.digest));
  fmt::print("imported   {} ({} files)\ndigest     sha256:{}\nsigned by  {}\n", stored.name,
             model.statement().resources.size(), stored.digest, stored.signer);
  fmt::print("{}", options.keep_active ? "The active model is as it was.\n"
                                       : "It is the active model from the next start of the service on.\n");
  return {};
}

int run_import(const ImportOptions& options) {
  const auto status = import_model(options);
  return status.ok() ? kExitOk : report_failure(status.error(), "Nothing was imported; the store is as it was.");
}

}  // namespace

void add_import(Command& parent) {
  Command& verb = parent.add("import", "verify a signed model directory, copy it into the store, make it active");
  auto options = std::make_shared<ImportOptions>();
  verb.argument("DIRECTORY", options->directory, "the model directory, with its model.sig");
  verb.option("--config", options->config, "the appliance's configuration: says where the store is and who is trusted");
  verb.option("--name", options->name, "what clients call the model; the signed name when not given");
  verb.flag("--keep-active", options->keep_active, "do not make it the active model");
  verb.runs([options] { return run_import(*options); });
}

}  // namespace daemon_cli
