// What the auditor is told when it starts. JSON in a sealed memfd from the supervisor.
#ifndef DAEMON_AUDITOR_AUDITOR_CONFIG_H_
#define DAEMON_AUDITOR_AUDITOR_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace daemon_auditor {

struct AuditorConfig {
  std::string origin;  // daemon_config::AuditConfig, as the next four
  std::string host;
  std::uint32_t sealed_days = 0;
  std::uint32_t retention_days = 0;
  std::vector<std::string> witnesses;  // verifier keys
  std::string boot;                    // the kernel's boot id, 32 hexadecimal digits
  std::uint64_t supervisor =
      0;  // the writer that the control channel is: this incarnation of the service

  std::string serialize() const;
  static base::Result<AuditorConfig> parse(std::string_view text);  // unknown members are refused
};

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_AUDITOR_CONFIG_H_
