// A trust root and what an appliance remembers of trust, for people and for scripts.
#ifndef DAEMON_CLI_TRUST_REPORT_H_
#define DAEMON_CLI_TRUST_REPORT_H_

#include <string>

#include "hardening/base/json.h"
#include "provisioning/trust/floors.h"
#include "provisioning/trust/trust_root.h"

namespace daemon_cli {

// Lines, the last one ended.
std::string format_root(const provisioning::TrustRoot& root);
std::string format_floors(const provisioning::Floors& floors, const std::string& anchor,
                          std::int64_t now);

base::Json root_to_json(const provisioning::TrustRoot& root);
base::Json floors_to_json(const provisioning::Floors& floors, const std::string& anchor);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_TRUST_REPORT_H_
