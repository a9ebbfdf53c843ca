#include "daemon/supervisor/role_permissions.h"

namespace daemon_supervisor {
namespace {

using daemon_ipc::MessageType;

constexpr unsigned kGateway = 1, kEngine = 2, kAuditor = 4, kHealth = 8;
constexpr unsigned kBoth = kGateway | kEngine, kAll = kBoth | kAuditor | kHealth;
constexpr unsigned kStarting = 1, kReady = 2, kDraining = 4, kServing = kReady | kDraining;

struct Row {
  MessageType type;
  unsigned kinds;
  unsigned stages;
};

// What is permitted once is checked where it is handled.
constexpr Row kRows[] = {
    {MessageType::kProgress, kAll, kStarting},                //
    {MessageType::kWeights, kEngine, kStarting},              // once
    {MessageType::kRejected, kEngine | kAuditor, kStarting},  // once
    {MessageType::kGpusInUse, kEngine, kStarting},            // as often as they change
    {MessageType::kReady, kAll, kStarting},                   // and thereby over
    {MessageType::kAlive, kAll, kServing},                    //
    {MessageType::kReloaded, kGateway, kServing},             // once for each `reload`
    {MessageType::kQuarantine, kGateway, kServing},           //
    {MessageType::kPeerLost, kBoth | kAuditor, kServing},     //
    {MessageType::kGpuFacts, kHealth, kServing},              //
    {MessageType::kRetiring, kGateway, kServing},             //
    {MessageType::kAppended, kAuditor, kServing},             // of the supervisor's own records
    {MessageType::kAuditState, kAuditor, kServing},           //
    {MessageType::kCosigned, kAuditor, kServing},             // once for each `cosign`
    {MessageType::kDrained, kBoth, kDraining},                //
};

}  // namespace

bool may_send(RoleKind kind, Stage stage, MessageType type) {
  for (const Row& row : kRows) {
    if (row.type != type) continue;
    return (row.kinds >> static_cast<unsigned>(kind) & 1) != 0 &&
           (row.stages >> static_cast<unsigned>(stage) & 1) != 0;
  }
  return false;
}

}  // namespace daemon_supervisor
