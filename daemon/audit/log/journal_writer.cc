#include "daemon/audit/log/journal_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "daemon/audit/log/log_extent.h"
#include "hardening/base/file.h"

namespace daemon_audit {
namespace {

constexpr std::uint64_t kAllocateBytes = std::uint64_t{1} << 20;  // at a time

}  // namespace

base::Result<JournalWriter> JournalWriter::begin(LogDirectory& directory, std::uint64_t first,
                                                 std::string_view content,
                                                 const FrameCheck& chain) {
  const std::string path = journal_path(first);
  JournalWriter journal;
  journal.first_ = first;
  journal.chain_ = chain;
  journal.file_ = TRY(directory.create_unfinished(path));
  TRY(journal.reserve(content.size(), false));
  TRY(journal.write_and_sync(content));
  TRY(directory.finish(path));
  TRY(directory.sync_directory(parent_path(path)));
  // Its own directory may be new.
  TRY(directory.sync_directory("."));
  return journal;
}

base::Status JournalWriter::allocate(std::uint64_t end) {
  for (;;) {
    // The size stays what was written: what is reserved is never read as part of the journal.
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(allocated_),
                    static_cast<off_t>(end - allocated_)) == 0) {
      allocated_ = end;
      return {};
    }
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
      can_allocate_ = false;
      return {};
    }
    base::Error error = base::io_error(errno, "reserve space for the journal");
    if (errno == ENOSPC || errno == EDQUOT) error.code = base::ErrorCode::kExhausted;
    return error;
  }
}

base::Status JournalWriter::reserve(std::size_t bytes, bool about_log) {
  if (!can_allocate_) return {};
  const std::uint64_t end = bytes_ + bytes + (about_log ? 0 : kJournalReserveBytes);
  if (end <= allocated_) return {};
  const std::uint64_t ahead = (end / kAllocateBytes + 1) * kAllocateBytes;
  if (allocate(ahead).ok()) return {};
  return allocate(end);  // a nearly full disk
}

base::Status JournalWriter::write_and_sync(std::string_view bytes) {
  TRY(base::write_all(file_, std::as_bytes(std::span(bytes))).context("journal"));
  while (::fsync(file_.get()) != 0) {
    if (errno != EINTR) return base::io_error(errno, "sync the journal");
  }
  bytes_ += bytes.size();
  return {};
}

base::Status JournalWriter::append(std::string_view frames, const FrameCheck& chain) {
  TRY(write_and_sync(frames));
  chain_ = chain;
  return {};
}

}  // namespace daemon_audit
