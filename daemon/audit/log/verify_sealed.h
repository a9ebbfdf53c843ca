// sealed/: that each file is what its name says and some record names it, and how many are gone.
#ifndef DAEMON_AUDIT_LOG_VERIFY_SEALED_H_
#define DAEMON_AUDIT_LOG_VERIFY_SEALED_H_

#include <cstdint>
#include <span>
#include <vector>

#include "daemon/audit/log/verify_entries.h"
#include "daemon/audit/log/verify_files.h"
#include "daemon/audit/tlog/hash.h"

namespace daemon_audit {

struct SealedRequest {
  // Of all records that are there; sorted by what is done with it.
  std::vector<SealedReference>& references;
  // Texts that are durable in the journal: they need no file yet.
  std::span<const Hash> in_journal;
  bool live = false;
  // A running auditor goes on: a file that changed (ctime) since then may belong to a record that
  // we have not seen.
  std::int64_t begun_s = 0;
};

struct SealedFacts {
  std::uint64_t found = 0;
  std::uint64_t missing = 0;       // named, and not there
  std::uint64_t missing_last = 0;  // the newest record whose text is missing
  std::vector<std::string> unfinished;
};

SealedFacts check_sealed(LogFiles& files, const SealedRequest& request, Findings& findings);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_SEALED_H_
