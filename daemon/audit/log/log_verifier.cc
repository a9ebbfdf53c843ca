#include "daemon/audit/log/log_verifier.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "daemon/audit/log/verify_entries.h"
#include "daemon/audit/log/verify_files.h"
#include "daemon/audit/log/verify_journal.h"
#include "daemon/audit/log/verify_notes.h"
#include "daemon/audit/log/verify_scan.h"
#include "daemon/audit/log/verify_sealed.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kCheckpointBytesMax = kNoteTextBytesMax;
constexpr int kListingsMax = 3;
constexpr int kPassesMax = 4;

std::int64_t now_s() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec;
}

class Verification {
 public:
  Verification(const base::Fd& directory, const VerifyRequest& request)
      : directory_(directory),
        request_(request),
        begun_s_(now_s()),
        files_(directory, findings_, [this](std::uint64_t bytes) {
          if (request_.progress) request_.progress(std::min(bytes, listing_.bytes), listing_.bytes);
        }) {}

  VerifyReport run() {
    take_snapshot();
    const auto key = check_keys(files_, listing_.key, request_.key, findings_);
    if (key) with_key(*key);
    report_.files = listing_.files;
    report_.bytes = listing_.bytes;
    report_.live = !journals_.empty();
    report_.findings = std::move(findings_).take();
    return std::move(report_);
  }

  // Whether `checkpoint` is another one by now than when this began.
  bool moved_on() {
    const auto file = files_.read("checkpoint", kCheckpointBytesMax);
    return file.bytes != checkpoint_;
  }

 private:
  // The checkpoint first: what is listed and opened after it has all that it names, even while the
  // auditor goes on.
  void take_snapshot() {
    for (int i = 0; i < kListingsMax; ++i) {
      auto file = files_.read("checkpoint", kCheckpointBytesMax);
      checkpoint_ = std::move(file.bytes);
      checkpoint_missing_ = file.missing;
      listing_ = list_log(directory_, findings_);
      journals_ = open_journals(directory_, listing_.journals, findings_);
      // A journal that is gone before it could be opened: the auditor has just stopped.
      if (!journals_.empty() || listing_.journals.empty()) return;
    }
  }

  void with_key(const VerifierKey& key) {
    report_.key = key.text();
    report_.key_given = request_.key.has_value();
    std::vector<RootClaim> claims;
    read_checkpoint(key, claims);
    EntryScan scan({.files = files_,
                    .listing = listing_,
                    .key = key,
                    .published = report_.published,
                    .journals = journals_,
                    .moved_on = [this] { return moved_on(); }},
                   findings_);
    scan.run();
    report_entries(scan);
    check_carried(request_.checkpoints, key, claims, findings_);
    check_witness_notes(key, scan, claims);
    for (const RootClaim& claim : claims) {
      if (!findings_.full()) scan.check_claim(claim);
    }
    check_sealed_texts(scan);
  }

  void read_checkpoint(const VerifierKey& key, std::vector<RootClaim>& claims) {
    if (checkpoint_missing_) findings_.add("checkpoint", "is missing");
    if (!checkpoint_) return;
    const auto checkpoint = check_own_checkpoint("checkpoint", *checkpoint_, key, findings_);
    if (!checkpoint) return;
    report_.published = checkpoint->size;
    report_.head = *checkpoint_;
    claims.push_back({checkpoint->size, checkpoint->root, "checkpoint"});
  }

  void report_entries(EntryScan& scan) {
    const EntryChecker& entries = scan.entries();
    report_.size = scan.tree().size();
    report_.first = scan.first();
    report_.requests = entries.requests();
    report_.open_requests = entries.open_requests();
    report_.openings = entries.openings();
    report_.first_time_us = entries.first_time_us();
    report_.last_time_us = entries.last_time_us();
    if (!scan.journal_head().empty()) report_.head = scan.journal_head();
  }

  void check_witness_notes(const VerifierKey& key, EntryScan& scan,
                           std::vector<RootClaim>& claims) {
    const auto facts = check_witnesses(files_,
                                       {.sizes = listing_.witnesses,
                                        .witnesses = request_.witnesses,
                                        .records = scan.entries().cosigned(),
                                        .key = key,
                                        .first = scan.first()},
                                       claims, findings_);
    report_.cosignatures = facts.verified;
    report_.cosignatures_unchecked = facts.unchecked;
  }

  void check_sealed_texts(EntryScan& scan) {
    if (findings_.full()) return;
    const bool live = !journals_.empty();
    EntryChecker& entries = scan.entries();
    const auto facts = check_sealed(files_,
                                    {.references = entries.sealed(),
                                     .in_journal = scan.journal_sealed(),
                                     .live = live,
                                     .begun_s = begun_s_},
                                    findings_);
    report_.sealed = facts.found;
    report_.sealed_removed = facts.missing;
    const bool explained =
        facts.missing <= entries.unsealed_files() && facts.missing_last < entries.unsealed_index();
    if (facts.missing > 0 && !explained) {
      findings_.add("sealed",
                    fmt::format("{} texts that records name are missing, the newest of "
                                "entry {}; log.unsealed accounts for {}",
                                facts.missing, facts.missing_last, entries.unsealed_files()));
    }
    if (live) return;
    refuse_unfinished(listing_.unfinished);
    refuse_unfinished(facts.unfinished);
  }

  void refuse_unfinished(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      findings_.add(quoted(name), "was never finished, and nobody is writing");
    }
  }

  const base::Fd& directory_;
  const VerifyRequest& request_;
  std::int64_t begun_s_;
  Findings findings_;
  Listing listing_;
  LogFiles files_;
  std::optional<std::string> checkpoint_;
  bool checkpoint_missing_ = false;
  std::vector<JournalFile> journals_;
  VerifyReport report_;
};

}  // namespace

base::Result<VerifyReport> verify_log(const base::Fd& directory, const VerifyRequest& request) {
  for (int pass = 1;; ++pass) {
    Verification verification(directory, request);
    VerifyReport report = verification.run();
    if (report.files == 0) return base::not_found("there is no log in this directory");
    // An auditor that opens, closes or publishes while we read can make us see half of two states.
    if (report.findings.empty() || pass == kPassesMax || !verification.moved_on()) return report;
  }
}

}  // namespace daemon_audit
