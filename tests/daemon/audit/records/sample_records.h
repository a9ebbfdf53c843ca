// One record of each type, each with everything its body may have.
#ifndef TESTS_DAEMON_AUDIT_RECORDS_SAMPLE_RECORDS_H_
#define TESTS_DAEMON_AUDIT_RECORDS_SAMPLE_RECORDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/records/record.h"

namespace daemon_audit {

// In the order of event_types(), indexes from 0, a second apart. Every text that a client or an
// administrator chooses is `text`.
std::vector<Record> sample_records(std::string_view text = "sample");
Record sample_record(std::string_view type, std::string_view text = "sample");

}  // namespace daemon_audit

#endif  // TESTS_DAEMON_AUDIT_RECORDS_SAMPLE_RECORDS_H_
