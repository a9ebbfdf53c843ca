// The one implementation of AuditLog: what it holds in memory, and the order in which things become
// durable.
//
// A batch is drafted (nothing has changed yet, and the disk may say that it is full), then sealed
// (the tree has grown, a checkpoint is signed: from here on it is the log's next part, whatever
// happens), then made durable, then settled. What was sealed and could not be made durable is kept
// and comes first in the next journal file, so that no two checkpoints ever contradict each other.
#ifndef DAEMON_AUDIT_LOG_DURABLE_LOG_H_
#define DAEMON_AUDIT_LOG_DURABLE_LOG_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/log/deferred_work.h"
#include "daemon/audit/log/journal_writer.h"
#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_tail.h"
#include "daemon/audit/log/open_requests.h"
#include "daemon/audit/log/publisher.h"
#include "daemon/audit/log/record_clock.h"
#include "daemon/audit/log/recovery.h"
#include "daemon/audit/log/retention.h"
#include "daemon/audit/log/writer_marks.h"

namespace daemon_audit {

class DurableLog final : public AuditLog {
 public:
  DurableLog(base::Fd directory, AuditLogOptions options, const base::Clock& clock)
      : options_(std::move(options)),
        wall_(clock),
        directory_(std::move(directory)),
        work_(directory_),
        publisher_(directory_),
        retention_(directory_, options_.retention_days, options_.sealed_days),
        clock_(clock) {}
  // Once, before anything else.
  base::Status start();

  base::Result<std::vector<Proven>> append(std::span<const Report> reports) override;
  std::uint64_t through(std::uint64_t writer) const override;
  std::vector<std::uint64_t> writers() const override;
  base::Status forget_writer(std::uint64_t writer) override;
  bool tidy() override;
  base::Status publish() override;
  base::Status close() override;
  base::Result<std::string> cosign(std::string_view note) override;
  std::uint64_t size() const override { return durable_size_; }
  std::uint64_t published_size() const override { return publisher_.published_size(); }
  const VerifierKey& key() const override { return key_->verifier(); }
  const Recovery& recovery() const override { return recovery_; }

 private:
  // A record that is to be appended; borrows the report.
  struct Item {
    const Report* report = nullptr;
    std::string record;
  };
  struct Draft {
    RecordClock::Reading reading;
    std::deque<Report> own;  // what the log says itself in between
    std::vector<Item> items;
    std::vector<WriterMark> marks;
    std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> admissions;  // by writer and id
    std::size_t journal_bytes = 0;                                              // at most
    bool about_log = true;                                                      // nothing else
  };
  struct Batch {
    std::uint64_t first = 0;
    std::string frames;
    FrameCheck chain{};
    std::vector<FullBundle> full;
    struct Sealed {
      Hash digest{};
      std::string_view bytes;  // empty when the report is gone: the journal has them
    };
    std::vector<Sealed> sealed;
    std::vector<WriterMark> marks;
    std::vector<std::pair<std::uint64_t, Proven>> proofs;  // by writer
    std::string checkpoint;
  };

  base::Result<Draft> draft(std::span<const Report> reports);
  std::vector<const Report*> fresh(std::span<const Report> reports, std::vector<WriterMark>& marks);
  void note_admission(Draft& draft, Record& record, std::uint64_t writer) const;
  base::Status add_item(Draft& draft, const Report& report, std::int64_t time_us);
  Batch seal(Draft draft);
  void seal_frame(Batch& batch, std::span<const Item> items);
  base::Status begin_journal(Batch& batch);
  void settle(Batch batch);
  base::Status repair();
  base::Status catch_up();
  bool wants_new_journal(bool about_log) const;
  std::vector<Proven> claim(std::span<const Report> reports);
  base::Status append_own(std::string type, base::Json body);
  base::Status lose(const std::vector<OpenRequest>& requests);
  Retention::View retention_view() const;
  base::Json end_body() const;

  AuditLogOptions options_;
  const base::Clock& wall_;
  LogDirectory directory_;
  DeferredWork work_;
  Publisher publisher_;
  Retention retention_;
  RecordClock clock_;
  std::optional<SignerKey> key_;
  Recovery recovery_;

  // Sealed: durable, or in pending_.
  LogTail tail_;
  OpenRequests open_requests_;

  std::optional<JournalWriter> journal_;  // nothing: a new one is to be begun
  std::optional<Batch> pending_;
  std::uint64_t durable_size_ = 0;
  std::string checkpoint_;  // over durable_size_
  WriterMarks marks_;
  std::uint64_t own_through_ = 0;  // writer 0 counts within one process
  std::map<std::pair<std::uint64_t, std::uint64_t>, Proven> unclaimed_;  // by writer and number
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_DURABLE_LOG_H_
