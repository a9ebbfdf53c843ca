// What `redoubt doctor` has to say: one finding per thing it looked at.
#ifndef DAEMON_DOCTOR_FINDING_H_
#define DAEMON_DOCTOR_FINDING_H_

#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"

namespace daemon_doctor {

enum class Level : std::uint8_t {
  kOk,       // as it should be
  kNote,     // worth knowing; nothing to do
  kWarning,  // it works, less well or less safely than it could
  kFault,    // it does not work before somebody mends it
};
std::string_view level_name(Level level);  // "ok", "note", "warning", "fault"

struct Finding {
  std::string check;  // what was looked at, for machines: "gpu.driver"
  Level level = Level::kOk;
  std::string what;  // what was found, a sentence
  std::string mend;  // what to do; empty where there is nothing to be done
};

using Findings = std::vector<Finding>;

bool any_fault(const Findings& findings);

// A line per finding, aligned; what to do on a line of its own below it; a last line that counts.
std::string format_findings(const Findings& findings);
// {"findings":[{"check":…,"level":…,"what":…,"mend":…}],"faults":n,"warnings":n}
base::Json findings_json(const Findings& findings);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_FINDING_H_
