// Real logs to be changed: made by AuditLog, with all that a log can have.
#ifndef TESTS_E2E_AUDIT_MUTATIONS_SAMPLE_LOG_H_
#define TESTS_E2E_AUDIT_MUTATIONS_SAMPLE_LOG_H_

#include <string>
#include <vector>

#include "daemon/audit/log/log_verifier.h"
#include "tests/daemon/audit/log/written_log.h"

namespace audit_mutations {

using audit_test::Files;

struct SampleLog {
  Files files;
  std::string checkpoint;                // the newest one, carried out
  std::vector<std::string> checkpoints;  // older ones, of the log itself
  // Other whole logs: what stood here earlier; other logs that the same key has signed and that are
  // as long; logs of the same name by another key.
  std::vector<Files> earlier, forks, others;
  std::vector<daemon_audit::VerifierKey> witnesses;
  daemon_audit::VerifierKey key;
};

// Some 700 records of several boots, sealed texts, cosignatures. `live`: the appliance is running,
// its journal is there and ahead of what is published. Made in a directory below `scratch`.
SampleLog make_sample(const std::string& scratch, bool live);

}  // namespace audit_mutations

#endif  // TESTS_E2E_AUDIT_MUTATIONS_SAMPLE_LOG_H_
