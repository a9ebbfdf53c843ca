// What has to hold of a log whenever its auditor may have died.
#ifndef TESTS_E2E_AUDIT_CRASH_LOG_CHECK_H_
#define TESTS_E2E_AUDIT_CRASH_LOG_CHECK_H_

#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "tests/e2e/audit_crash/writer.h"

namespace audit_crash {

struct CheckedLog {
  std::string head;  // its newest checkpoint
  std::uint64_t records = 0;
};

// Everything that was acknowledged is there, once and in its order; nothing is there that nobody
// said; what was proven stands where the proof says; the log is whole and extends `earlier`.
// `finished`: and nothing waits in a journal.
base::Result<CheckedLog> check_log(const std::string& directory,
                                   const std::vector<const Writer*>& writers,
                                   const std::vector<std::string>& earlier, bool finished);

}  // namespace audit_crash

#endif  // TESTS_E2E_AUDIT_CRASH_LOG_CHECK_H_
