// What `redoubt status` and `redoubt gpu list` show of GPUs.
#ifndef DAEMON_CLI_GPU_TEXT_H_
#define DAEMON_CLI_GPU_TEXT_H_

#include <string>

#include "hardening/base/json.h"

namespace daemon_cli {

// `gpu`: the member of that name of the service's status; null: nobody looks after GPUs. A table
// with what each GPU's state is, why, and what to do.
std::string format_gpus(const base::Json* gpu);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_GPU_TEXT_H_
