// Is this log whole? Everything LOG.md section 5 lists, from the bytes alone.
#ifndef DAEMON_AUDIT_LOG_LOG_VERIFIER_H_
#define DAEMON_AUDIT_LOG_LOG_VERIFIER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/audit/tlog/note.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

struct VerifyRequest {
  // Whom to trust; nothing: the directory's own log.vkey, and the report says so.
  std::optional<VerifierKey> key = {};
  // Notes that somebody carried out earlier: the log must extend each.
  std::vector<std::string> checkpoints = {};
  std::vector<VerifierKey> witnesses = {};
  std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)> progress = {};
};

struct VerifyReport {
  std::uint64_t size = 0;
  std::uint64_t first = 0;  // entries below were removed by retention, and their hashes are there
  std::uint64_t published = 0;
  bool live = false;           // there is a journal: the appliance runs, or did not stop cleanly
  std::uint64_t requests = 0;  // request.admitted among the entries that are there
  std::uint64_t open_requests = 0;  // admitted, neither finished nor lost: fine while it runs
  std::uint64_t openings = 0;       // log.opened: starts of the auditor
  std::int64_t first_time_us = 0, last_time_us = 0;  // of the entries that are there
  std::uint64_t files = 0, bytes = 0;
  std::uint64_t sealed = 0, sealed_removed = 0;
  std::uint64_t cosignatures = 0;            // of the witnesses that were given, each verified
  std::uint64_t cosignatures_unchecked = 0;  // of others
  std::string key;                           // the log's verifier key, as text
  bool key_given = false;                    // it came from whoever asked, not from the directory
  std::string head;                          // the newest checkpoint whose signature holds
  std::vector<std::string>
      findings;  // what is wrong, one line each, at most 100; empty: the log is whole
};

// An Error: it could not be read at all; findings are in the report. Nothing is written.
base::Result<VerifyReport> verify_log(const base::Fd& directory, const VerifyRequest& request);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_LOG_VERIFIER_H_
