#include "daemon/audit/log/verify_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "hardening/base/file.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

constexpr int kLooksMax = 50;
constexpr long kLookAgainNs = 10'000'000;

// Up to `count` bytes from `offset` on; fewer where the file ends.
base::Result<std::string> read_at(const base::Fd& fd, std::uint64_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::pread(fd.get(), bytes.data() + filled, count - filled,
                                static_cast<off_t>(offset + filled));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) return base::io_error(errno, "read");
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

class JournalCheck {
 public:
  JournalCheck(const JournalFile& file, const JournalRequest& request,
               const JournalVisitor& visitor, LogFiles& files, Findings& findings, Findings& doubts)
      : file_(file),
        request_(request),
        visitor_(visitor),
        files_(files),
        findings_(findings),
        doubts_(doubts) {}

  void run() {
    next_ = file_.first;
    for (bool first = true; !findings_.full(); first = false) {
      auto frame = read_frame_here();
      for (int looks = 1; !frame.ok() && request_.newest && looks < kLooksMax && changes();
           ++looks) {
        frame = read_frame_here();
      }
      if (!frame.ok()) {
        stop(frame.error().message);
        break;
      }
      if (!frame.value()) break;
      if (!take(*frame.value(), first)) break;
      offset_ += frame.value()->frame_bytes;
      files_.count(frame.value()->frame_bytes);
    }
  }

 private:
  // Nothing at the end of the file. Views into buffer_.
  base::Result<std::optional<FrameView>> read_frame_here() {
    struct stat info {};
    if (::fstat(file_.fd.get(), &info) != 0) return base::io_error(errno, "fstat");
    size_ = static_cast<std::uint64_t>(info.st_size);
    changed_ = info.st_mtim;
    if (size_ == offset_) return std::optional<FrameView>();
    const std::string head = TRY(read_at(file_.fd, offset_, sizeof(std::uint32_t)));
    const std::size_t whole = TRY(frame_bytes(head));
    if (whole > size_ - std::min(size_, offset_)) return base::corrupt("a frame is cut short");
    buffer_ = TRY(read_at(file_.fd, offset_, whole));
    return std::optional(TRY(read_frame(buffer_, chain_)));
  }

  // Whether somebody is writing there.
  bool changes() const {
    const timespec pause{.tv_sec = 0, .tv_nsec = kLookAgainNs};
    ::nanosleep(&pause, nullptr);
    struct stat info {};
    return ::fstat(file_.fd.get(), &info) == 0 &&
           (static_cast<std::uint64_t>(info.st_size) != size_ ||
            info.st_mtim.tv_sec != changed_.tv_sec || info.st_mtim.tv_nsec != changed_.tv_nsec);
  }

  bool take(const FrameView& frame, bool first) {
    if (first != (frame.kind == FrameKind::kState)) {
      stop(first ? "the first frame is no state" : "a second state");
      return false;
    }
    const auto status = first ? take_state(frame) : take_batch(frame);
    if (!status.ok()) stop(status.error().message);
    return status.ok();
  }

  base::Status take_state(const FrameView& frame) {
    const JournalState state = TRY(parse_state(frame.payload));
    if (state.first != file_.first) {
      return base::corrupt(fmt::format("the state says that it begins at {}", state.first));
    }
    return {};
  }

  base::Status take_batch(const FrameView& frame) {
    const JournalBatchView batch = TRY(parse_batch(frame.payload));
    if (batch.first != next_) {
      return base::corrupt(fmt::format("a batch begins at {}, not at {}", batch.first, next_));
    }
    for (const JournalEntryView& entry : batch.entries) {
      number(entry);
      visitor_.entry(file_.where, next_++, entry.record);
    }
    for (const JournalSealedView& text : batch.sealed) {
      if (provisioning::sha256(text.bytes) != text.digest) {
        findings_.add(file_.where, fmt::format("a sealed text before entry {} is not what its "
                                               "digest says",
                                               next_));
      }
      visitor_.sealed(text.digest);
    }
    visitor_.checkpoint(file_.where, next_, batch.checkpoint);
    return {};
  }

  // What a writer says again is not appended again. Writer 0 stands for nobody's number; the
  // state's numbers count what follows it in the same file.
  void number(const JournalEntryView& entry) {
    if (entry.writer == 0) return;
    const auto [mark, added] = through_.emplace(entry.writer, entry.number);
    if (!added && entry.number <= mark->second) {
      findings_.add(file_.where, fmt::format("entry {} has number {} of writer {}, which had {}",
                                             next_, entry.number, entry.writer, mark->second));
    }
    mark->second = entry.number;
  }

  void stop(const std::string& why) {
    Findings& findings = next_ < request_.believed_to ? findings_ : doubts_;
    findings.add(file_.where,
                 fmt::format("from byte {} on, behind entry {}, it says nothing ({}): a write that "
                             "the power cut short, or a change",
                             offset_, static_cast<std::int64_t>(next_) - 1, why));
  }

  const JournalFile& file_;
  JournalRequest request_;
  const JournalVisitor& visitor_;
  LogFiles& files_;
  Findings& findings_;
  Findings& doubts_;
  FrameCheck chain_{};
  std::string buffer_;
  std::uint64_t offset_ = 0, size_ = 0, next_ = 0;
  timespec changed_{};
  std::map<std::uint64_t, std::uint64_t> through_;
};

}  // namespace

std::vector<JournalFile> open_journals(const base::Fd& directory,
                                       std::span<const std::uint64_t> firsts, Findings& findings) {
  std::vector<JournalFile> journals;
  for (const std::uint64_t first : firsts) {
    JournalFile file{.first = first, .where = "journal/" + journal_name(first), .fd = {}};
    if (!parse_journal_name(journal_name(first))) {
      findings.add(file.where, "no journal begins at this entry");
      continue;
    }
    auto opened = base::open_beneath(directory, file.where, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened.ok()) {
      // A running auditor removes files that are in tiles as a whole.
      if (opened.error().code != base::ErrorCode::kNotFound) {
        findings.add(file.where, opened.error().message);
      }
      continue;
    }
    file.fd = std::move(opened).value();
    journals.push_back(std::move(file));
  }
  return journals;
}

void check_journal(const JournalFile& file, const JournalRequest& request,
                   const JournalVisitor& visitor, LogFiles& files, Findings& findings,
                   Findings& doubts) {
  JournalCheck(file, request, visitor, files, findings, doubts).run();
}

}  // namespace daemon_audit
