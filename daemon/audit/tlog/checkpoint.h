// Checkpoints (C2SP tlog-checkpoint), and proofs of one record that stand for themselves (C2SP
// tlog-proof).
#ifndef DAEMON_AUDIT_TLOG_CHECKPOINT_H_
#define DAEMON_AUDIT_TLOG_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "daemon/audit/tlog/note.h"
#include "hardening/base/result.h"

namespace daemon_audit {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};

  // The note's text: three lines; extension lines are read over.
  std::string serialize() const;
  static base::Result<Checkpoint> parse(std::string_view text);
};

// A signed note whose first known signature is the log's own.
base::Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const SignerKey& key);
// kDenied unless the log's key has signed it and its origin is the key's name.
base::Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& log);

// "c2sp.org/tlog-proof@v1": the place of one leaf, its path, and the checkpoint it leads to.
struct TlogProof {
  std::string extra;  // raw bytes of the extra line; empty: none
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string checkpoint;  // the note

  std::string serialize() const;
  static base::Result<TlogProof> parse(std::string_view text);
};
// The checkpoint, when the record is in the log it was made for. kDenied says what does not hold.
base::Result<Checkpoint> check_proof(const TlogProof& proof, std::string_view record,
                                     const VerifierKey& log);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_CHECKPOINT_H_
