// redoubt bundle: what is carried to the appliance, made, signed, checked and cut to the size of a
// medium.
#include <fcntl.h>

#include "daemon/cli/bundle_verbs.h"
#include "daemon/cli/model_signature_verbs.h"
#include "daemon/cli/verbs.h"
#include "hardening/base/file.h"
#include "provisioning/container/parts_source.h"

namespace daemon_cli {

bool is_bare_model(const std::string& path) {
  if (!is_model_directory(path)) return false;
  const auto directory = base::open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return false;
  const auto parts = provisioning::find_parts(directory.value());
  return parts.ok() && !parts.value();
}

void add_bundle(Command& parent) {
  Command& bundle =
      parent.add("bundle", "make, sign, verify and inspect bundles and model directories");
  add_bundle_create(bundle);
  add_bundle_sign(bundle);
  add_bundle_verify(bundle);
  add_bundle_inspect(bundle);
  add_bundle_parts(bundle);
  add_golden(bundle);
}

}  // namespace daemon_cli
