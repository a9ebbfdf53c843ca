#include "daemon/cli/verbs.h"

namespace daemon_cli {

void add_verbs(Command& root) {
  add_serve(root);
  add_role(root);
  add_ask(root);
  add_status(root);
  add_api_keys(root);
  add_config(root);
  add_keys(root);
  add_bundle(root);
  add_import(root);
  add_version(root);
}

}  // namespace daemon_cli
