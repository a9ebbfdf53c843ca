// From the start of a log to its end, and what it does between batches.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/audit/log/durable_log.h"
#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/log/log_identity.h"
#include "daemon/audit/log/tile_hashes.h"
#include "daemon/audit/log/witness_notes.h"
#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kNamesMax = 65'536;
constexpr std::int64_t kNsPerUs = 1'000;

// Files that never came to have their names.
base::Status remove_unfinished(LogDirectory& directory) {
  for (const std::string folder : {".", "journal", "witness"}) {
    for (const auto& name : TRY(list_log_directory(directory.fd(), folder, kNamesMax))) {
      if (name.starts_with(kUnfinishedPrefix)) TRY(directory.remove(folder + "/" + name));
    }
  }
  return {};
}

}  // namespace

base::Status DurableLog::start() {
  key_ = TRY(open_identity(directory_, options_.origin));
  if (options_.host.empty()) options_.host = key().name();
  TRY(remove_unfinished(directory_));
  Recovered log = TRY(recover(directory_, work_, *key_));
  tail_ = std::move(log.tail);
  open_requests_ = std::move(log.open_requests);
  marks_ = std::move(log.marks);
  checkpoint_ = std::move(log.checkpoint);
  durable_size_ = tail_.size();
  recovery_ = log.counts;
  if (!log.last_record.empty()) {
    const Record last = TRY(Record::parse(log.last_record).context("the last record"));
    clock_.resume(last.time_us, last.monotonic_us, last.boot == options_.boot);
  }
  TRY(publisher_.resume(log.published_size, durable_size_));
  retention_.resume(TRY(first_kept_bundle(directory_.fd(), durable_size_ / kTileWidth)));
  TRY(work_.finish());

  base::Json body = end_body();
  body.set("recovered", recovery_.records);
  body.set("torn_bytes", recovery_.torn_bytes);
  TRY(append_own("log.opened", std::move(body)));  // begins the journal
  TRY(work_.finish());
  return publish();
}

base::Json DurableLog::end_body() const {
  return base::Json::object({{"size", durable_size_}, {"vkey", key().text()}});
}

base::Status DurableLog::append_own(std::string type, base::Json body) {
  Report report;
  report.type = std::move(type);
  report.body = std::move(body);
  TRY(append(std::span(&report, 1)));
  return {};
}

base::Status DurableLog::lose(const std::vector<OpenRequest>& requests) {
  std::vector<Report> reports;
  for (const auto& request : requests) {
    Report& report = reports.emplace_back();
    report.type = "request.lost";
    report.body = lost_body(request);
  }
  TRY(append(reports));
  return {};
}

base::Status DurableLog::forget_writer(std::uint64_t writer) {
  TRY(lose(open_requests_.of(writer)));
  marks_.forget(writer);
  std::erase_if(unclaimed_, [writer](const auto& entry) { return entry.first.first == writer; });
  return {};
}

bool DurableLog::tidy() {
  if (!work_.empty()) return work_.step().ok();
  if (pending_) return false;
  const auto step = retention_.step(retention_view());
  if (!step.ok()) return false;
  if (step.value().say) {
    const Report& say = *step.value().say;
    if (!append(std::span(&say, 1)).ok()) {
      retention_.abandon();
      return false;
    }
  }
  return step.value().more;
}

Retention::View DurableLog::retention_view() const {
  Retention::View view;
  view.time_us = wall_.unix_us();
  view.monotonic_us = wall_.monotonic_ns() / kNsPerUs;
  const std::uint64_t in_journal =
      work_.journals().empty() ? durable_size_ : work_.journals().front();
  view.removable = std::min(published_size(), in_journal) / kTileWidth;
  view.bundles = durable_size_ / kTileWidth + (durable_size_ % kTileWidth == 0 ? 0 : 1);
  view.read = [this](std::uint64_t bundle) -> base::Result<std::vector<std::string>> {
    if (bundle == durable_size_ / kTileWidth) return tail_.entries();
    return read_bundle(directory_.fd(), bundle, kTileWidth);
  };
  return view;
}

base::Status DurableLog::publish() {
  if (pending_) return base::unavailable("the log waits to be written to again");
  TRY(work_.write_all());
  return publisher_.publish(tail_, checkpoint_, false);
}

base::Status DurableLog::close() {
  TRY(lose(open_requests_.all()));
  TRY(append_own("log.closed", end_body()));
  TRY(work_.finish());
  TRY(publisher_.publish(tail_, checkpoint_, true));
  journal_.reset();
  return work_.remove_journals();
}

base::Result<std::string> DurableLog::cosign(std::string_view note) {
  if (pending_) return base::unavailable("the log waits to be written to again");
  const std::uint64_t first = durable_size_ - durable_size_ % kTileWidth;
  TileHashes tiles(directory_.fd(), first, tail_.edge().filling(0));
  const Cosigned cosigned = TRY(check_cosigned(
      directory_.fd(), note, key(), options_.witnesses, durable_size_,
      [&tiles](std::uint32_t level, std::uint64_t number) { return tiles.hash(level, number); }));
  if (cosigned.witnesses.empty()) {
    return fmt::format("{} entries: those signatures are here already", cosigned.size);
  }
  std::vector<Report> reports;
  std::string names;
  for (const auto& witness : cosigned.witnesses) {
    Report& report = reports.emplace_back();
    report.type = "log.cosigned";
    report.body = base::Json::object({{"witness", witness}, {"size", cosigned.size}});
    names += (names.empty() ? "" : ", ") + witness;
  }
  // In this order: a record without its signature would be a fault of the log, the other way round
  // nothing is missing.
  TRY(directory_.write(witness_path(cosigned.size), cosigned.note, LogDirectory::Sync::kFile));
  TRY(directory_.sync_directories());
  TRY(append(reports));
  return fmt::format("{} entries: signed by {}", cosigned.size, names);
}

}  // namespace daemon_audit
