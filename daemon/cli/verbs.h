// Every verb, in the order of the help. A new verb is a file with an add_…() function, a line here
// and one in verbs.cc.
#ifndef DAEMON_CLI_VERBS_H_
#define DAEMON_CLI_VERBS_H_

#include "daemon/cli/command.h"
#include "daemon/supervisor/role_hooks.h"

namespace daemon_cli {

void add_verbs(Command& root, const daemon_supervisor::RoleHooks& hooks);

void add_serve(Command& parent);                                            // serve
void add_role(Command& parent, const daemon_supervisor::RoleHooks& hooks);  // role (hidden)
void add_ask(Command& parent);                                              // ask
void add_status(Command& parent);                                           // status
void add_doctor(Command& parent);                                           // doctor
void add_gpu(Command& parent);                                              // gpu list | clear
void add_reload(Command& parent);                                           // reload
void add_api_keys(Command& parent);  // api-keys create | list | revoke
void add_config(Command& parent);    // config check
void add_keys(Command& parent);      // keys generate | show | suites
void add_bundle(Command& parent);  // bundle create | sign | extract-statement | verify | inspect |
                                   // split | join | golden
void add_golden(Command& bundle);  // bundle golden
void add_trust(Command& parent);   // trust create | create-time | sign | merge | init | update |
                                   // show | time | anchor
void add_import(Command& parent);  // import
void add_models(Command& parent);  // models list | activate | rollback | pin | unpin | remove | gc
void add_audit(Command& parent);   // audit verify | show | export | prove | check | anchor | cosign
                                   // | replay | keygen
void add_usage(Command& parent);   // usage
void add_version(Command& parent);  // version

}  // namespace daemon_cli

#endif  // DAEMON_CLI_VERBS_H_
