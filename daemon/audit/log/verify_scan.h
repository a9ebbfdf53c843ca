// One pass over all entries, from wherever they are: full bundles, the journal, the partial bundle.
// Each is judged, becomes a leaf, and every tile on disk is compared with what the leaves make.
#ifndef DAEMON_AUDIT_LOG_VERIFY_SCAN_H_
#define DAEMON_AUDIT_LOG_VERIFY_SCAN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/verify_entries.h"
#include "daemon/audit/log/verify_files.h"
#include "daemon/audit/log/verify_journal.h"
#include "daemon/audit/log/verify_notes.h"
#include "daemon/audit/log/verify_tree.h"
#include "daemon/audit/tlog/note.h"

namespace daemon_audit {

class EntryScan {
 public:
  struct Parts {
    LogFiles& files;
    const Listing& listing;
    const VerifierKey& key;
    std::uint64_t published = 0;
    std::span<const JournalFile> journals;
    // Whether `checkpoint` is another one by now: files that it had are gone with it.
    std::function<bool()> moved_on;
  };
  // Borrows everything.
  EntryScan(Parts parts, Findings& findings);

  void run();

  const EntryTree& tree() const { return tree_; }
  EntryChecker& entries() { return entries_; }
  std::uint64_t first() const { return first_.value_or(0); }
  const std::vector<Hash>& journal_sealed() const { return journal_sealed_; }
  // The newest checkpoint of the journal that holds; empty: none.
  const std::string& journal_head() const { return journal_head_; }
  // That the first `claim.size` leaves have that root.
  void check_claim(const RootClaim& claim) { check_claim(claim, findings_); }

 private:
  void check_claim(const RootClaim& claim, Findings& findings);
  bool live() const { return !parts_.journals.empty(); }
  void append(std::uint64_t index, std::string_view record);
  void compare(const std::string& where, std::uint64_t index, const Hash& leaf, Findings& findings);

  // Entries from bundles, until `end` of them are known or one is not there.
  void bundles_to(std::uint64_t end);
  bool read_bundle(std::uint64_t number, std::uint64_t end);
  std::optional<std::string> find_bundle(std::uint64_t number, std::uint32_t width);
  bool take_hashes(std::uint64_t number);

  void read_journals();
  void read_journal(const JournalFile& file, std::uint64_t believed_to, bool newest);
  void judge_doubts();
  void journal_checkpoint(const std::string& where, std::uint64_t size, std::string_view note,
                          bool believed);

  // All tiles that lie at one place of a level, whatever their width.
  struct Place {
    std::uint32_t level = 0;
    std::uint64_t number = 0;
    std::span<const Hash> hashes;   // what belongs there, up to 256
    std::uint32_t bundle_read = 0;  // width of the entry bundle that these came from
  };
  void check_place(const Place& place);
  void check_file(const TileName& name, std::span<const Hash> expected, bool needed);
  void check_leaf_places();
  void check_upper_places();
  void check_ends();
  bool may_be_gone(const TileName& name, bool needed) const;

  Parts parts_;
  Findings& findings_;
  std::uint64_t journal_first_;
  EntryTree tree_;
  EntryChecker entries_;
  std::optional<std::uint64_t> first_;
  std::optional<std::uint64_t> missing_bundle_;  // the last one
  std::uint64_t places_checked_ = 0;             // of level 0
  // What journal files say beyond where they are believed, to be found again in what follows.
  struct DoubtfulEntry {
    std::string where;
    std::uint64_t index = 0;
    Hash leaf{};
  };
  std::vector<DoubtfulEntry> doubtful_entries_;
  std::vector<RootClaim> doubtful_claims_;
  Findings doubts_;
  std::vector<Hash> journal_sealed_;
  std::string journal_head_;
  std::uint64_t journal_head_size_ = 0;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_SCAN_H_
