// Which record somebody means.
#ifndef DAEMON_CLI_AUDIT_RECORD_FINDER_H_
#define DAEMON_CLI_AUDIT_RECORD_FINDER_H_

#include <cstdint>
#include <string_view>

#include "daemon/audit/log/log_reader.h"
#include "hardening/base/result.h"

namespace daemon_cli {

// The index of a record that is in the log: digits are that index; else the id of a request, whose
// newest completion is meant, or its admission while it has none (the whole log is read). kNotFound
// says what is not there; kInvalidInput: neither an index nor an id.
base::Result<std::uint64_t> find_record(const daemon_audit::LogReader& log, std::string_view text);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_AUDIT_RECORD_FINDER_H_
