// The signed files of a log: its key, its checkpoint, and what witnesses have put under it.
#ifndef DAEMON_AUDIT_LOG_VERIFY_NOTES_H_
#define DAEMON_AUDIT_LOG_VERIFY_NOTES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/verify_entries.h"
#include "daemon/audit/log/verify_files.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/note.h"

namespace daemon_audit {

// That the tree of `size` leaves has this root, says `where`.
struct RootClaim {
  std::uint64_t size = 0;
  Hash root{};
  std::string where;
};

// The key that everything is checked with: the trusted one, else that of log.vkey. Nothing, with a
// finding, when there is none. A private key that is there and readable must belong to it.
std::optional<VerifierKey> check_keys(LogFiles& files, bool private_key_listed,
                                      const std::optional<VerifierKey>& trusted,
                                      Findings& findings);

// A checkpoint as the log writes it: the three lines, its own signature, and no byte more.
std::optional<Checkpoint> check_own_checkpoint(std::string_view where, std::string_view bytes,
                                               const VerifierKey& key, Findings& findings);

struct WitnessFacts {
  std::uint64_t verified = 0;   // cosignatures by keys that we know
  std::uint64_t unchecked = 0;  // by others
};
// All files of witness/, against the log.cosigned of the entries; adds their roots to `claims`.
struct WitnessRequest {
  std::span<const std::uint64_t> sizes;
  std::span<const VerifierKey> witnesses;
  std::vector<CosignedRecord>& records;  // sorted by what is done with it
  const VerifierKey& key;
  std::uint64_t first = 0;  // entries below are not there
};
WitnessFacts check_witnesses(LogFiles& files, const WitnessRequest& request,
                             std::vector<RootClaim>& claims, Findings& findings);

// Checkpoints that somebody carried out earlier.
void check_carried(std::span<const std::string> notes, const VerifierKey& key,
                   std::vector<RootClaim>& claims, Findings& findings);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_NOTES_H_
