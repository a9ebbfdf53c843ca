#include "daemon/audit/log/verify_entries.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/hex.h"

namespace daemon_audit {
namespace {

constexpr std::int64_t kStepUs = 1'000'000;  // RECORDS.md: clock.stepped

std::string entry_name(std::uint64_t index) {
  return fmt::format("entry {}", index);
}

const std::string* find_text(const base::Json& body, std::string_view name) {
  const base::Json* member = body.find(name);
  return member != nullptr && member->is_string() ? &member->as_string() : nullptr;
}

std::optional<std::uint64_t> find_count(const base::Json& body, std::string_view name) {
  const base::Json* member = body.find(name);
  if (member == nullptr || !member->is_int() || member->as_int() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(member->as_int());
}

}  // namespace

void EntryChecker::check(std::uint64_t index, std::string_view text) {
  const std::string where = entry_name(index);
  ++records_;
  auto parsed = Record::parse(text);
  if (!parsed.ok()) {
    findings_.add(where, parsed.error().message);
    return;
  }
  Record& record = parsed.value();
  if (record.index != index) {
    findings_.add(where, fmt::format("says that it is entry {}", record.index));
  }
  check_time(where, record);
  check_opening(where, record);
  check_body(where, record);
  if (!previous_) first_time_us_ = record.time_us;
  previous_ = Moment{.time_us = record.time_us,
                     .monotonic_us = record.monotonic_us,
                     .boot = std::move(record.boot),
                     .type = std::move(record.type)};
}

void EntryChecker::skip_to(std::uint64_t index) {
  known_from_ = index;
  open_.clear();
  previous_.reset();
  awaits_opening_ = false;
}

void EntryChecker::finish(bool live) {
  if (live || !previous_) return;
  if (previous_->type != "log.closed") {
    findings_.add(
        "the log",
        "there is no journal, but the last entry is no log.closed: what came after it is gone");
  }
  if (!open_.empty()) {
    findings_.add(
        "the log",
        fmt::format("was closed, but {} requests have no end; the first is entry {}", open_.size(),
                    std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
                      return a.second < b.second;
                    })->second));
  }
}

// A clock.stepped has the later of both times itself, and stands before the record with the new
// one.
void EntryChecker::check_time(const std::string& where, const Record& record) {
  if (!previous_) return;
  const bool said = previous_->type == "clock.stepped";
  if (record.time_us < previous_->time_us && !said) {
    findings_.add(where, "its time goes back, and no clock.stepped says so");
  }
  if (record.boot != previous_->boot) return;
  if (record.monotonic_us < previous_->monotonic_us) {
    findings_.add(where, "monotonic_us goes back within one boot");
  }
  // Both differences are below 2^58: times end with the year 9999, monotonic_us at 2^53.
  const std::int64_t apart =
      (record.time_us - previous_->time_us) - (record.monotonic_us - previous_->monotonic_us);
  if ((apart > kStepUs || apart < -kStepUs) && !said && record.type != "clock.stepped") {
    findings_.add(where, "time and monotonic_us moved apart, and no clock.stepped says so");
  }
}

// An auditor begins with log.opened, but for a step of the clock that it has to tell before.
void EntryChecker::check_opening(const std::string& where, const Record& record) {
  if (record.index == 0 || (previous_ && record.boot != previous_->boot)) awaits_opening_ = true;
  if (record.type == "log.opened") {
    awaits_opening_ = false;
  } else if (awaits_opening_ && record.type != "clock.stepped") {
    findings_.add(where, "comes where only log.opened can");
    awaits_opening_ = false;
  }
  if (record.type == "log.closed") awaits_opening_ = true;
}

void EntryChecker::check_body(const std::string& where, const Record& record) {
  if (record.type == "log.opened" || record.type == "log.resumed") last_recovery_ = record.index;
  if (record.type == "request.admitted") return admitted(where, record);
  if (record.type == "request.finished" || record.type == "request.lost")
    return ended(where, record);
  if (record.type == "log.opened") return opened(where, record);
  if (record.type == "log.pruned") return pruned(where, record);
  if (record.type == "log.unsealed") return unsealed(where, record);
  if (record.type == "log.cosigned") return cosigned(where, record);
}

void EntryChecker::admitted(const std::string& where, const Record& record) {
  ++requests_;
  sealed(where, record);
  const std::string* id = find_text(record.body, "request");
  if (id == nullptr || id->empty() || id->size() > kRequestIdBytesMax) {
    return findings_.add(where, "request.admitted without a request id");
  }
  if (open_.size() >= kOpenRequestsMax) {
    return findings_.add(where, fmt::format("more than {} requests are open", kOpenRequestsMax));
  }
  const auto [place, added] = open_.emplace(*id, record.index);
  if (!added) {
    findings_.add(where, fmt::format("admits the request of entry {} again", place->second));
  }
}

void EntryChecker::ended(const std::string& where, const Record& record) {
  if (record.type == "request.finished") sealed(where, record);
  const std::string* id = find_text(record.body, "request");
  const auto index = find_count(record.body, "admitted");
  if (id == nullptr || !index) {
    return findings_.add(where,
                         record.type + " without a request id and the index of its admission");
  }
  const auto found = open_.find(*id);
  if (found == open_.end()) {
    if (*index >= known_from_) findings_.add(where, record.type + " of a request that is not open");
    return;
  }
  if (found->second != *index) {
    findings_.add(where,
                  fmt::format("says that its request was admitted by entry {}; it was entry {}",
                              *index, found->second));
  }
  open_.erase(found);
}

void EntryChecker::opened(const std::string& where, const Record& record) {
  ++openings_;
  const std::string* vkey = find_text(record.body, "vkey");
  if (vkey == nullptr || *vkey != vkey_) findings_.add(where, "log.opened names another key");
  const auto size = find_count(record.body, "size");
  if (!size || *size > record.index) {
    findings_.add(where, "log.opened names no size that the log can have had");
  }
}

void EntryChecker::pruned(const std::string& where, const Record& record) {
  const auto first = find_count(record.body, "first");
  if (!first || *first > record.index || *first < pruned_first_) {
    return findings_.add(where, "log.pruned names no first entry that can be");
  }
  pruned_first_ = *first;
}

void EntryChecker::unsealed(const std::string& where, const Record& record) {
  const auto files = find_count(record.body, "files");
  if (!files) return findings_.add(where, "log.unsealed does not say how many files");
  unsealed_files_ += *files;  // 2^48 records of 2^53: what overflows explains everything anyway
  unsealed_index_ = record.index;
}

void EntryChecker::cosigned(const std::string& where, const Record& record) {
  const std::string* witness = find_text(record.body, "witness");
  const auto size = find_count(record.body, "size");
  if (witness == nullptr || !size || *size > record.index) {
    return findings_.add(where, "log.cosigned names no witness and no size that can be");
  }
  if (cosigned_.size() >= kCosignaturesMax) {
    return findings_.add(where, fmt::format("more than {} cosignatures", kCosignaturesMax));
  }
  cosigned_.push_back({.size = *size, .witness = *witness});
}

void EntryChecker::sealed(const std::string& where, const Record& record) {
  const base::Json* member = record.body.find("sealed");
  if (member == nullptr) return;
  const std::string* digest = member->is_object() ? find_text(*member, "digest") : nullptr;
  const auto bytes = member->is_object() ? find_count(*member, "bytes") : std::nullopt;
  const auto raw = digest == nullptr
                       ? base::Result<std::vector<std::byte>>(base::not_found("no digest"))
                       : base::from_hex(*digest);
  if (!raw.ok() || raw.value().size() != 32 || !bytes) {
    return findings_.add(where, "its sealed text has no digest and size");
  }
  SealedReference reference{.digest = {}, .bytes = *bytes, .index = record.index};
  std::copy_n(raw.value().begin(), reference.digest.size(), reference.digest.begin());
  sealed_.push_back(reference);
}

}  // namespace daemon_audit
