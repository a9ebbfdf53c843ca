// What a role may say to the supervisor, and when: daemon/PROTOCOL.md section 3 as a table.
#ifndef DAEMON_SUPERVISOR_ROLE_PERMISSIONS_H_
#define DAEMON_SUPERVISOR_ROLE_PERMISSIONS_H_

#include <cstdint>

#include "daemon/ipc/messages.h"

namespace daemon_supervisor {

enum class RoleKind : std::uint8_t { kGateway, kEngine, kAuditor, kHealth };

// Where a role stands between its start and its end, as far as what it may say goes.
enum class Stage : std::uint8_t { kStarting, kReady, kDraining };

bool may_send(RoleKind kind, Stage stage, daemon_ipc::MessageType type);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_PERMISSIONS_H_
