// The log as its one writer has it (daemon/audit/LOG.md): records in, durable, numbered, signed.
// One thread, one process at a time.
#ifndef DAEMON_AUDIT_LOG_AUDIT_LOG_H_
#define DAEMON_AUDIT_LOG_AUDIT_LOG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/note.h"
#include "hardening/base/clock.h"
#include "hardening/base/fd.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_audit {

struct AuditLogOptions {
  std::string origin;  // of a log that is begun now; empty: "redoubt/" and half of its key's digest
  std::string host;
  std::string boot;
  std::vector<VerifierKey> witnesses;
  std::uint32_t sealed_days = 0;
  std::uint32_t retention_days = 0;
};

// What somebody reports. `body` was parsed and bounded; type and reporter fit.
struct Report {
  std::uint64_t writer = 0;  // 0: the auditor itself
  std::uint64_t number = 0;  // 0: none, always appended; the auditor's own count in one process
  Reporter reporter = Reporter::kAuditor;
  std::string type;
  base::Json body = base::Json::object();
  bool prove = false;
  std::string sealed;  // a sealed text that belongs to it; the body names its digest
};

struct Proven {
  std::uint64_t number = 0;
  std::uint64_t index = 0;
  std::string record;
  std::string proof;  // TlogProof::serialize()
};

class AuditLog {
 public:
  // Recovers what a former process left, begins a log where there is none (and its key). kDenied:
  // what is there is not a log of ours that goes on; kIo, kExhausted: the disk. `directory` is
  // STATE/audit. Only while the sandbox is at stage 1 may it list directories.
  static base::Result<std::unique_ptr<AuditLog>> open(base::Fd directory, AuditLogOptions options,
                                                      const base::Clock& clock);
  virtual ~AuditLog() = default;

  // All or nothing, durable on return: a failure leaves the reports to be tried again with the next
  // call, which first does what repairs the log (a new journal file). Reports whose number their
  // writer has used already are passed over (what a failed call has signed is appended by the next
  // one, so say the same again, with the same numbers). kExhausted: the disk is full; reports whose
  // types are all log.… still have space. kInvalidInput names the report that cannot be a record:
  // nothing is appended, and trying again cannot help. Proofs in the order of the reports that want
  // one.
  virtual base::Result<std::vector<Proven>> append(std::span<const Report> reports) = 0;
  // The last number of that writer that is durable.
  virtual std::uint64_t through(std::uint64_t writer) const = 0;
  // Everybody whose numbers are kept, the auditor itself among them or not: who reported and was
  // not forgotten since, by former auditors too.
  virtual std::vector<std::uint64_t> writers() const = 0;
  // The writer is gone for good: request.lost for each request it admitted and did not finish.
  // Appends.
  virtual base::Status forget_writer(std::uint64_t writer) = 0;

  // A piece of work that can wait (a tile to sync, a journal file to remove, retention); false:
  // none is left.
  virtual bool tidy() = 0;
  // Writes partial tiles and the checkpoint for readers, if anything is new.
  virtual base::Status publish() = 0;
  // Everything is published and synced, no journal stays.
  virtual base::Status close() = 0;

  // A checkpoint with a witness's signature; says which witness and size.
  virtual base::Result<std::string> cosign(std::string_view note) = 0;

  virtual std::uint64_t size() const = 0;
  virtual std::uint64_t published_size() const = 0;
  virtual const VerifierKey& key() const = 0;
  // What recovery found: records taken from the journal, bytes of a torn end.
  struct Recovery {
    std::uint64_t records = 0;
    std::uint64_t torn_bytes = 0;
  };
  virtual const Recovery& recovery() const = 0;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_AUDIT_LOG_H_
