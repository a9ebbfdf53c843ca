// The log as readers have it: the tree as published and what the journal adds, from a directory
// that a running auditor may be writing to. Reads nothing but what is there and bounds all of it;
// what it returns is not verified (log_verifier.h).
#ifndef DAEMON_AUDIT_LOG_LOG_READER_H_
#define DAEMON_AUDIT_LOG_LOG_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

class LogReader {
 public:
  // A snapshot: what is appended later is not seen. kNotFound: no log there.
  static base::Result<LogReader> open(base::Fd directory);

  const VerifierKey& key() const { return key_; }
  // The newest checkpoint: the published one, or a later one of the journal.
  const std::string& checkpoint_note() const { return checkpoint_note_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  std::uint64_t size() const { return checkpoint_.size; }
  std::uint64_t first() const { return first_; }  // entries below were removed by retention

  // In order, from index `from` (at least first()) on, until `visit` says false or fails. Bundle by
  // bundle: memory stays small.
  using Visit = std::function<base::Result<bool>(std::uint64_t index, const std::string& record)>;
  base::Status for_each(std::uint64_t from, const Visit& visit) const;
  base::Result<std::string> entry(std::uint64_t index) const;
  // Of complete subtrees within size().
  base::Result<Hash> hash(std::uint32_t level, std::uint64_t number) const;
  HashReader hashes() const;  // as long as this lives and is not moved

  base::Result<std::string> sealed(std::string_view digest_hex) const;

 private:
  LogReader() = default;
  struct JournalTail;
  base::Status take_snapshot();

  base::Fd directory_;
  VerifierKey key_;
  std::string checkpoint_note_;
  Checkpoint checkpoint_;
  std::uint64_t first_ = 0;
  std::shared_ptr<const JournalTail> tail_;  // shared only because it is incomplete here
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_LOG_READER_H_
