// The users the roles become when the service is started as root.
#ifndef DAEMON_SUPERVISOR_ROLE_USERS_H_
#define DAEMON_SUPERVISOR_ROLE_USERS_H_

#include <string>

#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

// For systems without the users "redoubt-gateway", "redoubt-engine", "redoubt-auditor" and
// "redoubt-health". The numbers lie between the ranges of packages, people and dynamic users
// (systemd's UIDS-GIDS).
inline constexpr hardening::Identity kGatewayIdentity{64'801, 64'801};
inline constexpr hardening::Identity kEngineIdentity{64'802, 64'802};
inline constexpr hardening::Identity kAuditorIdentity{64'804, 64'804};
inline constexpr hardening::Identity kHealthIdentity{64'805, 64'805};

// A user's name or number. A name that does not exist becomes `fallback`; root, by whatever name,
// is refused.
base::Result<hardening::Identity> find_identity(const std::string& user,
                                                hardening::Identity fallback);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_USERS_H_
