// The sub-verbs of `redoubt bundle`, a file each.
#ifndef DAEMON_CLI_BUNDLE_VERBS_H_
#define DAEMON_CLI_BUNDLE_VERBS_H_

#include <string>

#include "daemon/cli/command.h"

namespace daemon_cli {

void add_bundle_create(Command& bundle);   // create
void add_bundle_sign(Command& bundle);     // sign, extract-statement
void add_bundle_verify(Command& bundle);   // verify
void add_bundle_inspect(Command& bundle);  // inspect
void add_bundle_parts(Command& bundle);    // split, join

// A model directory without a release around it, signed or not: for the functions of
// model_signature_verbs.h.
bool is_bare_model(const std::string& path);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_BUNDLE_VERBS_H_
