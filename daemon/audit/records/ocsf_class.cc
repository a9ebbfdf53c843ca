// Activities are those that OCSF 1.9.0 has for the class; 99 is its "Other", whose name is ours.
#include "daemon/audit/records/ocsf_class.h"

#include <algorithm>
#include <array>

namespace daemon_audit {
namespace {

constexpr auto kBase = OcsfClass::kBaseEvent;
constexpr auto kApi = OcsfClass::kApiActivity;
constexpr auto kLifecycle = OcsfClass::kApplicationLifecycle;
constexpr auto kError = OcsfClass::kApplicationError;
constexpr auto kInformational = OcsfSeverity::kInformational;
constexpr auto kLow = OcsfSeverity::kLow;
constexpr auto kMedium = OcsfSeverity::kMedium;
constexpr auto kHigh = OcsfSeverity::kHigh;

constexpr std::array kMappings = {
    OcsfMapping{"request.admitted", kApi, 1, "Create", kInformational},
    OcsfMapping{"request.finished", kApi, 1, "Create", kInformational},
    OcsfMapping{"request.refused", kApi, 1, "Create", kLow},
    OcsfMapping{"request.lost", kError, 1, "General Error", kMedium},
    OcsfMapping{"auth.failed", OcsfClass::kAuthentication, 1, "Logon", kMedium},
    OcsfMapping{"service.started", kLifecycle, 3, "Start", kInformational},
    OcsfMapping{"service.stopping", kLifecycle, 4, "Stop", kInformational},
    OcsfMapping{"config.loaded", kLifecycle, 8, "Update", kInformational},
    OcsfMapping{"config.refused", kError, 1, "General Error", kMedium},
    OcsfMapping{"role.ready", kLifecycle, 3, "Start", kInformational},
    OcsfMapping{"role.ended", kLifecycle, 4, "Stop", kMedium},
    OcsfMapping{"health.changed", kBase, 99, "Health changed", kMedium},
    OcsfMapping{"request.quarantined", kError, 1, "General Error", kHigh},
    OcsfMapping{"gpu.verdict", kBase, 99, "GPU verdict", kHigh},
    OcsfMapping{"model.activated", kLifecycle, 6, "Enable", kInformational},
    OcsfMapping{"model.proven", kLifecycle, 99, "Proven", kInformational},
    OcsfMapping{"model.failed", kError, 1, "General Error", kHigh},
    OcsfMapping{"model.rolled_back", kLifecycle, 8, "Update", kHigh},
    OcsfMapping{"act", kApi, 99, "Command", kInformational},
    OcsfMapping{"log.opened", kBase, 99, "Log opened", kInformational},
    OcsfMapping{"log.closed", kBase, 99, "Log closed", kInformational},
    OcsfMapping{"log.resumed", kError, 1, "General Error", kHigh},
    OcsfMapping{"log.capacity", kBase, 99, "Log capacity", kHigh},
    OcsfMapping{"log.cosigned", kBase, 99, "Log cosigned", kInformational},
    OcsfMapping{"log.pruned", kBase, 99, "Log pruned", kInformational},
    OcsfMapping{"log.unsealed", kBase, 99, "Sealed texts removed", kInformational},
    OcsfMapping{"clock.stepped", kBase, 99, "Clock stepped", kMedium},
};
constexpr OcsfMapping kUnknown = {"", kBase, 99, "Other", kInformational};

}  // namespace

const OcsfMapping& ocsf_mapping(std::string_view type) {
  const auto* found =
      std::find_if(kMappings.begin(), kMappings.end(),
                   [type](const OcsfMapping& mapping) { return mapping.type == type; });
  return found == kMappings.end() ? kUnknown : *found;
}

std::string_view ocsf_class_name(OcsfClass of) {
  switch (of) {
    case OcsfClass::kBaseEvent:
      return "Base Event";
    case OcsfClass::kAuthentication:
      return "Authentication";
    case OcsfClass::kApplicationLifecycle:
      return "Application Lifecycle";
    case OcsfClass::kApiActivity:
      return "API Activity";
    case OcsfClass::kApplicationError:
      return "Application Error";
  }
  return "Base Event";
}

}  // namespace daemon_audit
