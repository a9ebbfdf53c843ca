#include "daemon/cli/verbs.h"

namespace daemon_cli {

void add_verbs(Command& root, const daemon_supervisor::RoleHooks& hooks) {
  add_serve(root);
  add_role(root, hooks);
  add_ask(root);
  add_status(root);
  add_doctor(root);
  add_gpu(root);
  add_reload(root);
  add_api_keys(root);
  add_config(root);
  add_keys(root);
  add_bundle(root);
  add_trust(root);
  add_import(root);
  add_models(root);
  add_audit(root);
  add_usage(root);
  add_version(root);
}

}  // namespace daemon_cli
