// What a writer says, before it is believed to be a report: the log is written once, and nothing
// that cannot be a record of it, or that is not this reporter's to say, gets as far as that.
#ifndef DAEMON_AUDITOR_REPORT_CHECK_H_
#define DAEMON_AUDITOR_REPORT_CHECK_H_

#include <cstdint>
#include <string>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/records/record.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/result.h"

namespace daemon_auditor {

// kInvalidInput, kExhausted: name the field and the limit. `sealed`: the pieces that came before
// it, empty when there were none; where there are, the body must tell their digest and size, and
// only there.
base::Result<daemon_audit::Report> check_report(daemon_audit::Reporter reporter,
                                                std::uint64_t writer,
                                                const daemon_ipc::Append& append,
                                                std::string sealed);

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_REPORT_CHECK_H_
