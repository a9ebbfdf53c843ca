// Which class of the Open Cybersecurity Schema Framework a type of record becomes.
#ifndef DAEMON_AUDIT_RECORDS_OCSF_CLASS_H_
#define DAEMON_AUDIT_RECORDS_OCSF_CLASS_H_

#include <cstdint>
#include <string_view>

namespace daemon_audit {

enum class OcsfClass : std::uint16_t {
  kBaseEvent = 0,
  kAuthentication = 3'002,
  kApplicationLifecycle = 6'002,
  kApiActivity = 6'003,
  kApplicationError = 6'008,
};

enum class OcsfSeverity : std::uint8_t { kInformational = 1, kLow = 2, kMedium = 3, kHigh = 4 };

struct OcsfMapping {
  std::string_view type;
  OcsfClass of = OcsfClass::kBaseEvent;
  int activity_id = 99;
  std::string_view activity_name = "Other";
  OcsfSeverity severity = OcsfSeverity::kInformational;
};

// A type that the table does not name is a Base Event.
const OcsfMapping& ocsf_mapping(std::string_view type);

std::string_view ocsf_class_name(OcsfClass of);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_OCSF_CLASS_H_
