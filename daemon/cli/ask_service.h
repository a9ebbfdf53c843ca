// One question to the running service, and its answer.
#ifndef DAEMON_CLI_ASK_SERVICE_H_
#define DAEMON_CLI_ASK_SERVICE_H_

#include <string>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_cli {

inline constexpr int kServiceTimeoutMs = 5'000;

// `request` as the control socket takes it ("status"). An error: nobody answers in time, or not in
// JSON.
base::Result<base::Json> ask_service(const std::string& control_socket, const std::string& request,
                                     int timeout_ms = kServiceTimeoutMs);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_ASK_SERVICE_H_
