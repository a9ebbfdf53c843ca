#include "daemon/cli/ask_service.h"

#include "daemon/supervisor/control_socket.h"

namespace daemon_cli {

base::Result<base::Json> ask_service(const std::string& control_socket, const std::string& request,
                                     int timeout_ms) {
  const auto text = TRY(daemon_supervisor::ask_control_socket(control_socket, request, timeout_ms));
  return base::Json::parse(text).context("the service's answer");
}

}  // namespace daemon_cli
