// redoubt trust create | create-time | sign | merge: made and signed at the connected site, by
// several people.
#ifndef DAEMON_CLI_TRUST_DOCUMENT_VERBS_H_
#define DAEMON_CLI_TRUST_DOCUMENT_VERBS_H_

#include "daemon/cli/command.h"

namespace daemon_cli {

void add_trust_document_verbs(Command& trust);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_TRUST_DOCUMENT_VERBS_H_
