#include "daemon/audit/log/retention.h"

#include <algorithm>

#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {
namespace {

constexpr std::int64_t kRoundUs = std::int64_t{3'600} * 1'000'000;
constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;

Report report(std::string type, base::Json body) {
  Report made;
  made.type = std::move(type);
  made.body = std::move(body);
  return made;
}

// The sealed text that a record names, as hexadecimal digits.
std::optional<std::string> sealed_of(const Record& record) {
  const base::Json* sealed = record.body.find("sealed");
  if (sealed == nullptr || !sealed->is_object()) return {};
  const base::Json* digest = sealed->find("digest");
  constexpr std::size_t kDigits = 64;
  if (digest == nullptr || !digest->is_string() || digest->as_string().size() != kDigits ||
      digest->as_string().find_first_not_of("0123456789abcdef") != std::string::npos) {
    return {};
  }
  return digest->as_string();
}

base::Result<std::int64_t> time_of(const std::string& entry) {
  return TRY(Record::parse(entry)).time_us;
}

// The sealed texts of a bundle's records before `horizon`.
base::Result<std::vector<std::string>> old_sealed(const std::vector<std::string>& entries,
                                                  std::int64_t horizon) {
  std::vector<std::string> digests;
  for (const auto& entry : entries) {
    const Record record = TRY(Record::parse(entry));
    if (record.time_us >= horizon) continue;
    if (auto digest = sealed_of(record)) digests.push_back(std::move(*digest));
  }
  return digests;
}

}  // namespace

Retention::Retention(LogDirectory& directory, std::uint32_t retention_days,
                     std::uint32_t sealed_days)
    : directory_(directory),
      entries_age_us_(retention_days * kDayUs),
      sealed_age_us_(sealed_days * kDayUs) {
  if (entries_age_us_ != 0 && (sealed_age_us_ == 0 || sealed_age_us_ > entries_age_us_)) {
    sealed_age_us_ = entries_age_us_;
  }
}

base::Result<Retention::Step> Retention::step(const View& view) {
  auto done = act(view);
  if (!done.ok()) phase_ = Phase::kWaiting;
  return done;
}

base::Result<Retention::Step> Retention::act(const View& view) {
  switch (phase_) {
    case Phase::kWaiting:
      if (sealed_age_us_ == 0 || view.monotonic_us < next_round_us_) return Step();
      TRY(begin_round(view));
      return enter(Phase::kCountSealed);
    case Phase::kCountSealed:
      return count_sealed(view);
    case Phase::kUnseal:
      return unseal(view);
    case Phase::kFindOld:
      return find_old(view);
    case Phase::kPrune:
      return prune();
  }
  return Step();
}

Retention::Step Retention::enter(Phase phase) {
  phase_ = phase;
  if (phase == Phase::kFindOld) cursor_ = first_;
  Step step;
  step.more = phase != Phase::kWaiting;
  return step;
}

// The first bundle that begins too late, by bisection: times ascend but for steps of the clock.
base::Status Retention::begin_round(const View& view) {
  next_round_us_ = view.monotonic_us + kRoundUs;
  horizon_us_ = view.time_us - sealed_age_us_;
  std::uint64_t low = first_, high = view.bundles;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto entries = TRY(view.read(middle));
    const bool old = !entries.empty() && TRY(time_of(entries.front())) < horizon_us_;
    if (old) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  sealed_end_ = low;
  cursor_ = low;
  files_ = 0;
  return {};
}

// Backwards, down to where a former round has been: known of this process, or else the first
// bundle whose old sealed texts are all gone, for they go in order.
base::Result<Retention::Step> Retention::count_sealed(const View& view) {
  const std::uint64_t stop = std::max(first_, unsealed_below_.value_or(first_));
  if (cursor_ > stop) {
    const auto digests = TRY(old_sealed(TRY(view.read(cursor_ - 1)), horizon_us_));
    std::uint64_t there = 0;
    for (const auto& digest : digests) {
      if (TRY(log_file_exists(directory_.fd(), sealed_path(digest)))) ++there;
    }
    if (there > 0 || digests.empty() || unsealed_below_) {
      files_ += there;
      --cursor_;
      return enter(Phase::kCountSealed);
    }
  }
  if (files_ == 0) {
    unsealed_below_ = sealed_end_ - std::min<std::uint64_t>(sealed_end_, 1);
    return enter(Phase::kFindOld);
  }
  Step step = enter(Phase::kUnseal);
  step.say = report("log.unsealed", base::Json::object({{"files", files_}}));
  return step;
}

base::Result<Retention::Step> Retention::unseal(const View& view) {
  if (cursor_ == sealed_end_) {
    // The last bundle has younger records too, perhaps.
    unsealed_below_ = sealed_end_ - std::min<std::uint64_t>(sealed_end_, 1);
    return enter(Phase::kFindOld);
  }
  for (const auto& digest : TRY(old_sealed(TRY(view.read(cursor_)), horizon_us_))) {
    const std::string path = sealed_path(digest);
    TRY(directory_.remove(path));
    directory_.remember(parent_path(path));
  }
  ++cursor_;
  return enter(Phase::kUnseal);
}

base::Result<Retention::Step> Retention::find_old(const View& view) {
  if (entries_age_us_ == 0) return enter(Phase::kWaiting);
  const std::uint64_t end = std::min(view.removable, unsealed_below_.value_or(0));
  if (cursor_ < end) {
    bool old = true;
    for (const auto& entry : TRY(view.read(cursor_))) {
      old = old && TRY(time_of(entry)) < view.time_us - entries_age_us_;
    }
    if (old) {
      ++cursor_;
      Step step;
      step.more = true;
      return step;
    }
  }
  if (cursor_ == first_) return enter(Phase::kWaiting);
  Step step = enter(Phase::kPrune);
  step.say = report("log.pruned", base::Json::object({{"first", cursor_ * kTileWidth}}));
  return step;
}

// Each one durably gone before the next: what is left is always the log's end.
base::Result<Retention::Step> Retention::prune() {
  const std::string path = tile_path(TileName{.entries = true, .number = first_});
  TRY(directory_.remove(path));
  TRY(directory_.sync_directory(parent_path(path)));
  ++first_;
  return enter(first_ == cursor_ ? Phase::kWaiting : Phase::kPrune);
}

}  // namespace daemon_audit
