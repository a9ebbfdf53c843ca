#include "daemon/audit/log/durable_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/check.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

// A journal file is replaced by another from here on; sealed texts may make it longer by one batch.
constexpr std::uint64_t kJournalBytes = std::uint64_t{16} << 20;
// When a bundle is not full by then, its journal file is written anew without its sealed texts.
constexpr std::uint64_t kJournalBytesMax = std::uint64_t{64} << 20;
// Sealed texts of one frame, the last one not counted.
constexpr std::size_t kFrameSealedBytes = std::size_t{32} << 20;
constexpr std::size_t kFrameOverheadBytes = 1'024;  // at most: counts, checks, the checkpoint
constexpr std::size_t kEntryOverheadBytes = 64;
constexpr std::size_t kWorkWaitingMax = 1'024;  // then appending waits for the disk

bool is_about_log(const Report& report) {
  return report.type.starts_with("log.") || report.type.starts_with("clock.");
}

}  // namespace

base::Result<std::vector<Proven>> DurableLog::append(std::span<const Report> reports) {
  TRY(repair());
  TRY(catch_up());
  Draft draft = TRY(this->draft(reports));
  if (draft.items.empty()) return claim(reports);
  const bool begin = wants_new_journal(draft.about_log);
  if (!begin) TRY(journal_->reserve(draft.journal_bytes, draft.about_log));
  Batch batch = seal(std::move(draft));
  const auto durable = begin ? begin_journal(batch) : journal_->append(batch.frames, batch.chain);
  if (!durable.ok()) {
    journal_.reset();  // what it says now is not believed
    for (auto& sealed : batch.sealed) sealed.bytes = {};
    pending_ = std::move(batch);
    return durable.error();
  }
  settle(std::move(batch));
  return claim(reports);
}

base::Status DurableLog::repair() {
  if (!pending_) return {};
  TRY(begin_journal(*pending_));
  settle(std::move(*std::exchange(pending_, std::nullopt)));
  return {};
}

// The work that waits is bounded.
base::Status DurableLog::catch_up() {
  while (work_.size() > kWorkWaitingMax) TRY(work_.step());
  return {};
}

bool DurableLog::wants_new_journal(bool about_log) const {
  if (!journal_) return true;
  // A full disk has no space for another file, but perhaps for what is to be said of it.
  if (about_log) return false;
  const bool same_bundle = journal_->first() == durable_size_ - durable_size_ % kTileWidth;
  return journal_->bytes() > (same_bundle ? kJournalBytesMax : kJournalBytes);
}

// Those that the log does not have, and how far each writer comes with them.
std::vector<const Report*> DurableLog::fresh(std::span<const Report> reports,
                                             std::vector<WriterMark>& marks) {
  std::vector<const Report*> fresh;
  for (const Report& report : reports) {
    if (report.number == 0) {
      fresh.push_back(&report);
      continue;
    }
    auto mark = std::ranges::find(marks, report.writer, &WriterMark::writer);
    const std::uint64_t known = mark == marks.end() ? through(report.writer) : mark->through;
    if (report.number <= known) continue;
    if (mark == marks.end()) mark = marks.insert(marks.end(), {.writer = report.writer});
    mark->through = report.number;
    fresh.push_back(&report);
  }
  return fresh;
}

base::Result<DurableLog::Draft> DurableLog::draft(std::span<const Report> reports) {
  Draft draft;
  const auto wanted = fresh(reports, draft.marks);
  if (wanted.empty()) return draft;
  draft.reading = clock_.read();
  draft.items.reserve(wanted.size() + 1);
  const auto say = [&](std::string type, base::Json body, std::int64_t time_us) {
    Report& own = draft.own.emplace_back();
    own.type = std::move(type);
    own.body = std::move(body);
    return add_item(draft, own, time_us);
  };
  if (draft.reading.step_us) {
    TRY(say("clock.stepped", base::Json::object({{"step_us", *draft.reading.step_us}}),
            draft.reading.step_time_us));
  }
  // Bounded, whatever a gateway admits: the oldest are given up.
  const auto admitted = static_cast<std::size_t>(std::ranges::count(
      wanted, "request.admitted", [](const Report* report) { return report->type; }));
  if (admitted > kOpenRequestsMax) {
    return base::exhausted(
        fmt::format("{} admissions at once, limit {}", admitted, kOpenRequestsMax));
  }
  const std::size_t open = open_requests_.size() + admitted;
  for (const auto& request : open_requests_.oldest(open - std::min(open, kOpenRequestsMax))) {
    TRY(say("request.lost", lost_body(request), draft.reading.time_us));
  }
  for (const Report* report : wanted) TRY(add_item(draft, *report, draft.reading.time_us));
  draft.journal_bytes += (draft.items.size() / kBatchRecordsMax + 1) * kFrameOverheadBytes;
  return draft;
}

// The end of a request names the record of its beginning, which its writer does not know.
void DurableLog::note_admission(Draft& draft, Record& record, std::uint64_t writer) const {
  const bool admitted = record.type == "request.admitted";
  if (!admitted && record.type != "request.finished") return;
  const base::Json* id = record.body.find("request");
  if (id == nullptr || !id->is_string()) return;
  const auto key = std::pair(writer, id->as_string());
  if (admitted) {
    draft.admissions[key] = record.index;
    return;
  }
  const auto here = draft.admissions.find(key);
  const auto index = here != draft.admissions.end() ? std::optional(here->second)
                                                    : open_requests_.find(writer, key.second);
  if (index && record.body.find("admitted") == nullptr) record.body.set("admitted", *index);
}

base::Status DurableLog::add_item(Draft& draft, const Report& report, std::int64_t time_us) {
  Record record;
  record.index = tail_.size() + draft.items.size();
  record.time_us = time_us;
  record.monotonic_us = draft.reading.monotonic_us;
  record.boot = options_.boot;
  record.host = options_.host;
  record.role = report.reporter;
  record.type = report.type;
  record.body = report.body;
  note_admission(draft, record, report.writer);
  Item item;
  item.report = &report;
  item.record = TRY(record.serialize().context(
      fmt::format("report {} of writer {}", report.number, report.writer)));
  if (report.sealed.size() > kSealedFileBytesMax) {
    return base::exhausted(fmt::format("report {} of writer {}: sealed text of {} bytes, limit {}",
                                       report.number, report.writer, report.sealed.size(),
                                       kSealedFileBytesMax));
  }
  draft.journal_bytes += item.record.size() + kEntryOverheadBytes + report.sealed.size();
  if (!report.sealed.empty()) draft.journal_bytes += kFrameOverheadBytes;  // may end its frame
  draft.about_log = draft.about_log && is_about_log(report);
  draft.items.push_back(std::move(item));
  return {};
}

DurableLog::Batch DurableLog::seal(Draft draft) {
  Batch batch;
  batch.first = durable_size_;
  batch.marks = std::move(draft.marks);
  batch.frames.reserve(draft.journal_bytes);
  if (journal_) batch.chain = journal_->chain();
  const std::span<const Item> items(draft.items);
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t sealed_bytes = 0, end = begin;
    while (end < items.size() && end - begin < kBatchRecordsMax &&
           sealed_bytes <= kFrameSealedBytes) {
      sealed_bytes += items[end++].report->sealed.size();
    }
    seal_frame(batch, items.subspan(begin, end - begin));
    begin = end;
  }
  clock_.keep(draft.reading);
  return batch;
}

void DurableLog::seal_frame(Batch& batch, std::span<const Item> items) {
  JournalBatchView frame;
  frame.first = tail_.size();
  frame.entries.reserve(items.size());
  for (const Item& item : items) {
    const Report& report = *item.report;
    open_requests_.note(report.writer, tail_.size(), report.type, report.body);
    frame.entries.push_back(
        {.writer = report.writer, .number = report.number, .record = item.record});
    if (!report.sealed.empty()) {
      const Hash digest = provisioning::sha256(report.sealed);
      frame.sealed.push_back({.digest = digest, .bytes = report.sealed});
      batch.sealed.push_back({.digest = digest, .bytes = report.sealed});
    }
    if (auto full = tail_.add(item.record)) batch.full.push_back(std::move(*full));
  }
  Checkpoint checkpoint;
  checkpoint.origin = key().name();
  checkpoint.size = tail_.size();
  checkpoint.root = tail_.edge().root();
  auto note = sign_checkpoint(checkpoint, *key_);
  CHECK(note.ok());  // nothing from outside is in it
  batch.checkpoint = std::move(note).value();
  frame.checkpoint = batch.checkpoint;
  append_batch_frame(batch.frames, batch.chain, frame);

  for (std::size_t i = 0; i < items.size(); ++i) {
    const Report& report = *items[i].report;
    if (!report.prove) continue;
    TlogProof proof;
    proof.index = frame.first + i;
    auto path = tail_.edge().prove_recent(proof.index);
    CHECK(path.ok());
    proof.path = std::move(path).value();
    proof.checkpoint = batch.checkpoint;
    batch.proofs.emplace_back(report.writer, Proven{.number = report.number,
                                                    .index = proof.index,
                                                    .record = items[i].record,
                                                    .proof = proof.serialize()});
  }
}

// A file that says again what no full bundle says, and then the batch.
base::Status DurableLog::begin_journal(Batch& batch) {
  const std::uint64_t first = batch.first - batch.first % kTileWidth;
  const bool in_place = !work_.journals().empty() && work_.journals().back() == first;
  // Nobody else says then what the former file of that name says.
  if (in_place) TRY(work_.finish());

  JournalState state;
  state.first = first;
  WriterMarks marks = marks_;
  for (const auto& mark : batch.marks) {
    if (mark.writer != 0) marks.advance(mark.writer, mark.through);
  }
  state.writers = marks.all();
  state.open_requests = open_requests_.all();

  std::string content;
  FrameCheck chain{};
  append_state_frame(content, chain, state);
  const auto& entries = batch.full.empty() ? tail_.entries() : batch.full.front().entries;
  if (batch.first > first) {
    JournalBatchView again;
    again.first = first;
    for (std::uint64_t i = 0; i < batch.first - first; ++i) {
      again.entries.push_back({.record = entries[i]});
    }
    again.checkpoint = checkpoint_;
    append_batch_frame(content, chain, again);
  }
  rechain_frames(batch.frames, chain);
  content += batch.frames;
  journal_ = TRY(JournalWriter::begin(directory_, first, content, chain));
  work_.begin_journal(first);
  return {};
}

void DurableLog::settle(Batch batch) {
  durable_size_ = tail_.size();
  checkpoint_ = std::move(batch.checkpoint);
  for (const auto& mark : batch.marks) {
    if (mark.writer == 0) {
      own_through_ = mark.through;
    } else {
      marks_.advance(mark.writer, mark.through);
    }
  }
  for (const auto& sealed : batch.sealed) {
    if (sealed.bytes.empty()) {
      work_.add_sealed(sealed.digest);
    } else {
      work_.add_sealed(sealed.digest, sealed.bytes);
    }
  }
  for (auto& bundle : batch.full) work_.add(std::move(bundle));
  for (auto& [writer, proven] : batch.proofs) {
    const std::pair key(writer, proven.number);
    unclaimed_.insert_or_assign(key, std::move(proven));
  }
}

// Also of what an earlier call could not make durable.
std::vector<Proven> DurableLog::claim(std::span<const Report> reports) {
  std::vector<Proven> proofs;
  for (const Report& report : reports) {
    if (!report.prove) continue;
    auto found = unclaimed_.extract({report.writer, report.number});
    if (!found.empty()) proofs.push_back(std::move(found.mapped()));
  }
  return proofs;
}

std::uint64_t DurableLog::through(std::uint64_t writer) const {
  return writer == 0 ? own_through_ : marks_.through(writer);
}

std::vector<std::uint64_t> DurableLog::writers() const {
  std::vector<std::uint64_t> writers;
  for (const auto& mark : marks_.all()) writers.push_back(mark.writer);
  // One that fell out of the table may still have requests.
  for (const auto& request : open_requests_.all()) {
    if (std::ranges::find(writers, request.writer) == writers.end()) {
      writers.push_back(request.writer);
    }
  }
  return writers;
}

}  // namespace daemon_audit
