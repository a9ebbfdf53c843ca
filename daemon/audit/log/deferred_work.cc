#include "daemon/audit/log/deferred_work.h"

#include "daemon/audit/log/journal_rescue.h"
#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/check.h"
#include "hardening/base/hex.h"

namespace daemon_audit {

void DeferredWork::add(FullBundle bundle) {
  Job entries;
  entries.what = Bundle{bundle.number};
  entries.path = tile_path(TileName{.entries = true, .number = bundle.number});
  add(std::move(entries), serialize_bundle(bundle.entries));
  for (auto& [path, bytes] : bundle.tiles) {
    Job tile;
    tile.path = std::move(path);
    tile.what = Tile{bytes};
    add(std::move(tile), bytes);
  }
}

void DeferredWork::add_sealed(const Hash& digest, std::string_view bytes) {
  Job job;
  job.what = Sealed{digest};
  job.path = sealed_path(base::to_hex(digest));
  add(std::move(job), bytes);
}

void DeferredWork::add_sealed(const Hash& digest) {
  Job job;
  job.what = Sealed{digest};
  job.path = sealed_path(base::to_hex(digest));
  jobs_.push_back(std::move(job));
  ++unwritten_;
}

void DeferredWork::add(Job job, std::string_view bytes) {
  job.written = directory_.write(job.path, bytes, LogDirectory::Sync::kLater).ok();
  if (!job.written) ++unwritten_;
  jobs_.push_back(std::move(job));
}

void DeferredWork::retire_former_journals() {
  for (const std::uint64_t first : journals_) {
    if (first != journals_.back()) retire(first);
  }
}

void DeferredWork::begin_journal(std::uint64_t first) {
  if (!journals_.empty() && journals_.back() == first) return;  // in place of itself
  if (!journals_.empty()) retire(journals_.back());
  journals_.push_back(first);
}

void DeferredWork::retire(std::uint64_t first) {
  Job job;
  job.what = OldJournal{first};
  job.path = journal_path(first);
  job.written = true;
  jobs_.push_back(std::move(job));
}

base::Status DeferredWork::remove_journals() {
  TRY(finish());
  if (!journals_.empty()) retire(journals_.back());
  return finish();
}

base::Result<std::string> DeferredWork::bytes_of(const Job& job) const {
  if (const auto* tile = std::get_if<Tile>(&job.what)) return tile->bytes;
  if (const auto* bundle = std::get_if<Bundle>(&job.what)) {
    return rescue_bundle(directory_.fd(), journals_, bundle->number);
  }
  return rescue_sealed(directory_.fd(), journals_, std::get<Sealed>(job.what).digest);
}

base::Status DeferredWork::write(Job& job) {
  const std::string bytes = TRY(bytes_of(job));
  TRY(directory_.write(job.path, bytes, LogDirectory::Sync::kLater));
  job.written = true;
  --unwritten_;
  return {};
}

base::Status DeferredWork::remove_journal(const Job& job) {
  const auto first = std::get<OldJournal>(job.what).first;
  CHECK(!journals_.empty() && journals_.front() == first);
  TRY(directory_.remove(job.path));
  // Durably gone before the next one goes: what is left of a journal is always its end.
  TRY(directory_.sync_directory(parent_path(job.path)));
  journals_.erase(journals_.begin());
  return {};
}

base::Status DeferredWork::step() {
  CHECK(!empty());
  if (jobs_.empty()) return directory_.sync_one_directory();
  Job& job = jobs_.front();
  if (std::holds_alternative<OldJournal>(job.what)) {
    if (directory_.has_unsynced()) return directory_.sync_one_directory();
    TRY(remove_journal(job));
  } else {
    if (!job.written) TRY(write(job));
    if (auto synced = directory_.sync_file(job.path); !synced.ok()) {
      job.written = false;
      ++unwritten_;
      return synced;
    }
  }
  jobs_.pop_front();
  return {};
}

base::Status DeferredWork::finish() {
  while (!empty()) TRY(step());
  return {};
}

base::Status DeferredWork::write_all() {
  for (Job& job : jobs_) {
    if (!job.written) TRY(write(job));
  }
  return {};
}

}  // namespace daemon_audit
