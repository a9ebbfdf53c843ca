// A record as an event of the Open Cybersecurity Schema Framework (schema.ocsf.io, version 1.9.0),
// for a SIEM. Which type becomes which class: daemon/audit/RECORDS.md section 6.
#ifndef DAEMON_AUDIT_RECORDS_OCSF_H_
#define DAEMON_AUDIT_RECORDS_OCSF_H_

#include <string>
#include <string_view>

#include "daemon/audit/records/record.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::string_view kOcsfVersion = "1.9.0";

struct OcsfSource {
  std::string origin;   // of the log
  std::string version;  // of the product that exports
};

// `text` is the record's own: it travels along as raw_data, so that whoever gets the event can
// check the record against the log. `leaf_hash` is its hash in the tree, hexadecimal.
base::Json ocsf_event(const Record& record, std::string_view text, std::string_view leaf_hash,
                      const OcsfSource& source);

// The event as one line, newline included, without any character that ends a line or steers a
// terminal; the attestation over everything else is added (profile record_integrity).
base::Result<std::string> ocsf_line(base::Json event);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_OCSF_H_
