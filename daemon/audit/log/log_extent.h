// Where a log's files are and how far they go: what its writer and its readers both ask of the
// directory.
#ifndef DAEMON_AUDIT_LOG_LOG_EXTENT_H_
#define DAEMON_AUDIT_LOG_LOG_EXTENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/tlog/note.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::size_t kCheckpointFileBytesMax = 2 * kNoteTextBytesMax;
inline constexpr std::size_t kJournalFilesMax = 4'096;

std::string journal_path(std::uint64_t first);         // "journal/00000000000000000256"
std::string sealed_path(std::string_view digest_hex);  // "sealed/ab/abcd…"
std::string witness_path(std::uint64_t size);          // "witness/00000000000000000300"

// Who signs: log.vkey.
base::Result<VerifierKey> read_verifier_key(const base::Fd& directory);
// The first indexes of the journal's files, ascending; lists a directory.
base::Result<std::vector<std::uint64_t>> list_journal(const base::Fd& directory);
// `width` 256: a full one.
base::Result<std::vector<std::string>> read_bundle(const base::Fd& directory, std::uint64_t number,
                                                   std::uint32_t width);
// Retention removes full bundles from the first on: the number of the first that is there, of
// `bundles` (which is returned when none is). About log2(bundles) files are opened.
base::Result<std::uint64_t> first_kept_bundle(const base::Fd& directory, std::uint64_t bundles);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_LOG_EXTENT_H_
