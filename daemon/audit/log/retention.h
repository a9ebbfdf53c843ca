// What is removed when it is old enough: sealed texts, then full entry bundles (C2SP tlog-tiles
// calls it pruning). What is old is read from the records, a bundle at a time; nothing is listed.
#ifndef DAEMON_AUDIT_LOG_RETENTION_H_
#define DAEMON_AUDIT_LOG_RETENTION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/log/log_directory.h"
#include "hardening/base/result.h"

namespace daemon_audit {

class Retention {
 public:
  // Days: 0: for ever. Sealed texts go with their records at the latest.
  Retention(LogDirectory& directory, std::uint32_t retention_days, std::uint32_t sealed_days);
  // The first bundle whose entries are there.
  void resume(std::uint64_t first_bundle) { first_ = first_bundle; }
  std::uint64_t first_bundle() const { return first_; }

  struct View {
    std::int64_t time_us = 0;
    std::int64_t monotonic_us = 0;
    std::uint64_t removable = 0;  // bundles below: full, published, no longer in the journal
    std::uint64_t bundles = 0;    // all, the last one partial
    std::function<base::Result<std::vector<std::string>>(std::uint64_t bundle)> read;
  };
  struct Step {
    bool more = false;  // there is work left for now
    // To be appended before the next step, which removes what it names.
    std::optional<Report> say;
  };
  // About one bundle's worth of work; a round once in an hour. After a failure the round begins
  // again in an hour.
  base::Result<Step> step(const View& view);
  // What was to be said could not be: the round is over.
  void abandon() { phase_ = Phase::kWaiting; }

 private:
  enum class Phase : std::uint8_t { kWaiting, kCountSealed, kUnseal, kFindOld, kPrune };

  base::Result<Step> act(const View& view);
  base::Status begin_round(const View& view);
  base::Result<Step> count_sealed(const View& view);
  base::Result<Step> unseal(const View& view);
  base::Result<Step> find_old(const View& view);
  base::Result<Step> prune();
  Step enter(Phase phase);

  LogDirectory& directory_;
  std::int64_t entries_age_us_;  // 0: for ever
  std::int64_t sealed_age_us_;

  Phase phase_ = Phase::kWaiting;
  std::int64_t next_round_us_ = 0;  // monotonic
  std::int64_t horizon_us_ = 0;     // of this round: older sealed texts go
  std::uint64_t first_ = 0;         // bundle
  // Bundles below have no sealed text left; unknown until the first round has looked.
  std::optional<std::uint64_t> unsealed_below_;
  std::uint64_t sealed_end_ = 0;  // of this round: bundles from here on are too young
  std::uint64_t cursor_ = 0;
  std::uint64_t files_ = 0;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_RETENTION_H_
