// The supervisor's status document for a person.
#ifndef DAEMON_CLI_STATUS_TEXT_H_
#define DAEMON_CLI_STATUS_TEXT_H_

#include <string>

#include "hardening/base/json.h"

namespace daemon_cli {

// Takes whatever the document holds: what is missing is left out.
std::string format_status(const base::Json& status);

// Likewise for the outcome of a reload.
std::string format_reload(const base::Json& outcome);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_STATUS_TEXT_H_
