// What the verifier makes of bytes that somebody put into a log: as the records of a bundle, and as
// a journal file. It says what is wrong, within bounds, and hears entries in order.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/log/verify_entries.h"
#include "daemon/audit/log/verify_journal.h"

namespace {

void check_entries(std::string_view lines) {
  daemon_audit::Findings findings;
  daemon_audit::EntryChecker checker("redoubt/fuzz+00000000+AA==", findings);
  std::uint64_t index = 0;
  for (; !lines.empty(); ++index) {
    const auto end = lines.find('\n');
    checker.check(index, lines.substr(0, end));
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
  }
  checker.finish(false);
  if (checker.records() != index || checker.open_requests() > index) std::abort();
  if (std::move(findings).take().size() > daemon_audit::kFindingsMax) std::abort();
}

void check_journal(std::string_view bytes) {
  const int fd = ::memfd_create("journal", MFD_CLOEXEC);
  if (fd < 0) return;
  daemon_audit::JournalFile file{.first = 0, .where = "journal", .fd = base::Fd(fd)};
  if (::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return;
  daemon_audit::Findings findings, doubts;
  const base::Fd no_directory;
  daemon_audit::LogFiles files(no_directory, findings, {});
  std::uint64_t next = 0;
  const daemon_audit::JournalVisitor visitor{
      .entry =
          [&](const std::string&, std::uint64_t index, std::string_view) {
            if (index != next++) std::abort();
          },
      .checkpoint =
          [&](const std::string&, std::uint64_t size, std::string_view) {
            if (size != next) std::abort();
          },
      .sealed = [](const daemon_audit::Hash&) {}};
  daemon_audit::check_journal(file, {.believed_to = 1'000'000, .newest = false}, visitor, files,
                              findings, doubts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_entries(bytes);
  check_journal(bytes);
  return 0;
}
