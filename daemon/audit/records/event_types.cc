// Who may report what: the first two columns of daemon/audit/RECORDS.md section 1.
#include <algorithm>
#include <array>

#include "daemon/audit/records/record.h"

namespace daemon_audit {
namespace {

constexpr auto kGateway = Reporter::kGateway;
constexpr auto kSupervisor = Reporter::kSupervisor;
constexpr auto kAuditor = Reporter::kAuditor;

constexpr std::array kEventTypes = {
    EventType{"request.admitted", kGateway},
    EventType{"request.finished", kGateway},
    EventType{"request.refused", kGateway},
    EventType{"request.lost", kAuditor},
    EventType{"auth.failed", kGateway},
    EventType{"service.started", kSupervisor},
    EventType{"service.stopping", kSupervisor},
    EventType{"config.loaded", kSupervisor},
    EventType{"config.refused", kSupervisor},
    EventType{"role.ready", kSupervisor},
    EventType{"role.ended", kSupervisor},
    EventType{"health.changed", kSupervisor},
    EventType{"request.quarantined", kSupervisor},
    EventType{"gpu.verdict", kSupervisor},
    EventType{"model.activated", kSupervisor},
    EventType{"model.proven", kSupervisor},
    EventType{"model.failed", kSupervisor},
    EventType{"model.rolled_back", kSupervisor},
    EventType{"act", kSupervisor},
    EventType{"log.opened", kAuditor},
    EventType{"log.closed", kAuditor},
    EventType{"log.resumed", kAuditor},
    EventType{"log.capacity", kSupervisor},
    EventType{"log.cosigned", kAuditor},
    EventType{"log.pruned", kAuditor},
    EventType{"log.unsealed", kAuditor},
    EventType{"clock.stepped", kAuditor},
};

}  // namespace

std::string_view reporter_name(Reporter reporter) {
  constexpr std::array<std::string_view, 3> kNames = {"gateway", "supervisor", "auditor"};
  return kNames[static_cast<std::size_t>(reporter)];
}

std::span<const EventType> event_types() {
  return kEventTypes;
}

const EventType* find_event_type(std::string_view name) {
  const auto* found = std::find_if(kEventTypes.begin(), kEventTypes.end(),
                                   [&](const EventType& type) { return type.name == name; });
  return found == kEventTypes.end() ? nullptr : found;
}

}  // namespace daemon_audit
