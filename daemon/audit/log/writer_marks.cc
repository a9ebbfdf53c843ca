#include "daemon/audit/log/writer_marks.h"

#include <algorithm>

namespace daemon_audit {

std::uint64_t WriterMarks::through(std::uint64_t writer) const {
  const auto mark = std::ranges::find(marks_, writer, &WriterMark::writer);
  return mark == marks_.end() ? 0 : mark->through;
}

void WriterMarks::advance(std::uint64_t writer, std::uint64_t through_number) {
  const auto mark = std::ranges::find(marks_, writer, &WriterMark::writer);
  if (mark == marks_.end()) {
    if (marks_.size() == kJournalWritersMax) marks_.erase(marks_.begin());
    marks_.push_back({.writer = writer, .through = through_number});
    return;
  }
  mark->through = std::max(mark->through, through_number);
  std::rotate(mark, mark + 1, marks_.end());
}

void WriterMarks::forget(std::uint64_t writer) {
  std::erase_if(marks_, [writer](const WriterMark& mark) { return mark.writer == writer; });
}

}  // namespace daemon_audit
