// The files of a log as somebody hostile may have left them: no symbolic link is followed, no size
// is believed before it is bounded.
#ifndef DAEMON_AUDIT_LOG_VERIFY_FILES_H_
#define DAEMON_AUDIT_LOG_VERIFY_FILES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/verify_findings.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/fd.h"

namespace daemon_audit {

inline constexpr std::size_t kListedPartialsMax = 4'096;
inline constexpr std::size_t kListedJournalsMax = 4'096;
inline constexpr std::size_t kListedWitnessesMax = 65'536;

// Full tiles of one kind: how many there are, and the last one's number.
struct FullTiles {
  std::uint64_t count = 0;
  std::uint64_t last = 0;
};

// What is there, but for sealed/, which verify_sealed.h walks.
struct Listing {
  bool key = false;  // the private one: a copy that was carried out has none
  std::array<FullTiles, kTileLevelsMax> hashes;
  FullTiles entries;
  std::vector<TileName> partials;        // sorted
  std::vector<std::uint64_t> journals;   // sorted: their first indexes
  std::vector<std::uint64_t> witnesses;  // sorted: their sizes
  std::vector<std::string> unfinished;   // ".new-…" files
  std::uint64_t files = 0, bytes = 0;
};

// Walks the directory once. Whatever does not belong into a log is a finding.
Listing list_log(const base::Fd& directory, Findings& findings);

// The 20 digits that name journal files and witness notes.
std::string twenty_digits(std::uint64_t number);
std::optional<std::uint64_t> parse_twenty_digits(std::string_view text);

// Names of a directory without "." and "..", in no order; a failure is a finding under `where`.
// `visit` says whether it wants more.
void for_each_name(const base::Fd& directory, std::string_view where, Findings& findings,
                   const std::function<bool(const std::string& name)>& visit);
// A directory below another, no link; nothing, with a finding, when it cannot be opened.
std::optional<base::Fd> open_folder(const base::Fd& directory, const std::string& name,
                                    std::string_view where, Findings& findings);

// Reads files of the log and counts their bytes.
class LogFiles {
 public:
  // Borrows both. `progress` hears of the bytes read.
  LogFiles(const base::Fd& directory, Findings& findings,
           std::function<void(std::uint64_t bytes_read)> progress)
      : directory_(directory), findings_(findings), progress_(std::move(progress)) {}

  struct Text {
    bool missing = false;              // there is no such file
    std::optional<std::string> bytes;  // else, unless a finding says why not
  };
  Text read(const std::string& path, std::size_t bytes_max);
  // The same where a missing file is a finding too.
  std::optional<std::string> need(const std::string& path, std::size_t bytes_max);
  void count(std::uint64_t bytes);
  const base::Fd& directory() const { return directory_; }

 private:
  const base::Fd& directory_;
  Findings& findings_;
  std::function<void(std::uint64_t)> progress_;
  std::uint64_t bytes_ = 0;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_FILES_H_
