// A record as a sentence for people.
#ifndef DAEMON_AUDIT_RECORDS_RECORD_TEXT_H_
#define DAEMON_AUDIT_RECORDS_RECORD_TEXT_H_

#include <string>

#include "daemon/audit/records/record.h"

namespace daemon_audit {

// What happened, on one line, safe_text() throughout. Members that are not there are not spoken of.
std::string record_sentence(const Record& record);

// Who did it: the key, the user of a command, the address of who had no key, else the role.
std::string record_actor(const Record& record);

// Time, index, type, who, what: columns, one line, newline included. The types' column is as wide
// as the longest type, the index's `index_width`.
std::string record_line(const Record& record, int index_width);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_RECORD_TEXT_H_
