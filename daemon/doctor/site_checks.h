// What the operator has set up: configuration, state, disk, certificate, and the running service's
// own word.
#ifndef DAEMON_DOCTOR_SITE_CHECKS_H_
#define DAEMON_DOCTOR_SITE_CHECKS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/config/config.h"
#include "daemon/doctor/finding.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_doctor {

// Reads the state directory; what it may not read it says. `now`: unix seconds.
Findings check_site(const daemon_config::Config& config, std::int64_t now);

// Of what `redoubt status --json` shows; an error: why there is none.
Findings check_service(const base::Result<base::Json>& status);

// A certificate in PEM: when it ends. A warning from 30 days before, a fault afterwards.
Finding check_certificate(const std::string& path, const std::string& pem, std::int64_t now);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_SITE_CHECKS_H_
