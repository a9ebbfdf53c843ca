// What one entry says, and how it follows on those before it (daemon/audit/RECORDS.md).
//
// Memory: what is open, 32 bytes for each sealed text, and each cosignature.
#ifndef DAEMON_AUDIT_LOG_VERIFY_ENTRIES_H_
#define DAEMON_AUDIT_LOG_VERIFY_ENTRIES_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/journal_format.h"
#include "daemon/audit/log/verify_findings.h"
#include "daemon/audit/records/record.h"

namespace daemon_audit {

inline constexpr std::size_t kCosignaturesMax = 65'536;

// A sealed text as a record names it. 16 bytes of its digest tell one from another; the file's
// content is compared with all 32, which are its name.
struct SealedReference {
  std::array<std::byte, 16> digest{};
  std::uint64_t bytes = 0;
  std::uint64_t index = 0;  // of the record
};

// A log.cosigned: that a witness signed the tree of that size.
struct CosignedRecord {
  std::uint64_t size = 0;
  std::string witness;
  friend auto operator<=>(const CosignedRecord&, const CosignedRecord&) = default;
};

class EntryChecker {
 public:
  // `vkey`: what each log.opened must name. Borrows findings.
  EntryChecker(std::string vkey, Findings& findings)
      : vkey_(std::move(vkey)), findings_(findings) {}

  // Entries in order.
  void check(std::uint64_t index, std::string_view text);
  // Entries below `index` are not there (retention, or a finding): what they began is unknown.
  void skip_to(std::uint64_t index);
  // After the last entry.
  void finish(bool live);

  std::uint64_t records() const { return records_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t openings() const { return openings_; }
  std::int64_t first_time_us() const { return first_time_us_; }
  std::int64_t last_time_us() const { return previous_ ? previous_->time_us : 0; }
  std::uint64_t open_requests() const { return open_.size(); }
  // The last record that tells of a beginning after a failure: log.opened, log.resumed.
  std::optional<std::uint64_t> last_recovery() const { return last_recovery_; }
  // Entries below may have been removed.
  std::uint64_t pruned_first() const { return pruned_first_; }
  // How many sealed texts were removed, and the last record that says so.
  std::uint64_t unsealed_files() const { return unsealed_files_; }
  std::uint64_t unsealed_index() const { return unsealed_index_; }
  std::vector<SealedReference>& sealed() { return sealed_; }
  std::vector<CosignedRecord>& cosigned() { return cosigned_; }

 private:
  struct Moment {
    std::int64_t time_us = 0;
    std::int64_t monotonic_us = 0;
    std::string boot;
    std::string type;
  };

  void check_time(const std::string& where, const Record& record);
  void check_opening(const std::string& where, const Record& record);
  void check_body(const std::string& where, const Record& record);
  void admitted(const std::string& where, const Record& record);
  void ended(const std::string& where, const Record& record);
  void opened(const std::string& where, const Record& record);
  void pruned(const std::string& where, const Record& record);
  void unsealed(const std::string& where, const Record& record);
  void cosigned(const std::string& where, const Record& record);
  void sealed(const std::string& where, const Record& record);

  std::string vkey_;
  Findings& findings_;
  std::optional<Moment> previous_;
  bool awaits_opening_ = false;
  std::map<std::string, std::uint64_t, std::less<>> open_;  // request id to index
  std::uint64_t known_from_ = 0;  // what was admitted below may be unknown
  std::uint64_t records_ = 0, requests_ = 0, openings_ = 0;
  std::int64_t first_time_us_ = 0;
  std::optional<std::uint64_t> last_recovery_;
  std::uint64_t pruned_first_ = 0, unsealed_files_ = 0, unsealed_index_ = 0;
  std::vector<SealedReference> sealed_;
  std::vector<CosignedRecord> cosigned_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_ENTRIES_H_
