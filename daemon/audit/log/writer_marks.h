// How far each writer has come: the table that makes "exactly once" of "again, to be sure".
#ifndef DAEMON_AUDIT_LOG_WRITER_MARKS_H_
#define DAEMON_AUDIT_LOG_WRITER_MARKS_H_

#include <cstdint>
#include <vector>

#include "daemon/audit/log/journal_format.h"

namespace daemon_audit {

// The kJournalWritersMax writers that reported last.
class WriterMarks {
 public:
  WriterMarks() = default;
  explicit WriterMarks(std::vector<WriterMark> marks) : marks_(std::move(marks)) {}

  std::uint64_t through(std::uint64_t writer) const;  // 0: unknown
  // Never backwards.
  void advance(std::uint64_t writer, std::uint64_t through);
  void forget(std::uint64_t writer);
  const std::vector<WriterMark>& all() const { return marks_; }  // who reported last is last

 private:
  std::vector<WriterMark> marks_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_WRITER_MARKS_H_
