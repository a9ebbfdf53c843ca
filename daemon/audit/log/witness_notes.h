// Checkpoints with the signatures of witnesses (C2SP tlog-cosignature), as somebody brings them
// back.
#ifndef DAEMON_AUDIT_LOG_WITNESS_NOTES_H_
#define DAEMON_AUDIT_LOG_WITNESS_NOTES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/tlog/note.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

struct Cosigned {
  std::uint64_t size = 0;
  std::vector<std::string> witnesses;  // names; those whose signature was not there yet
  std::string note;                    // for witness/SIZE: with what that holds already
};

// kDenied: the log or no known witness has signed the note, or it is not what this log was at that
// size. `hashes` are of a log of `size` entries.
base::Result<Cosigned> check_cosigned(const base::Fd& directory, std::string_view note,
                                      const VerifierKey& log,
                                      std::span<const VerifierKey> witnesses, std::uint64_t size,
                                      const HashReader& hashes);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_WITNESS_NOTES_H_
