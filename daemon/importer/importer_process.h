// The importer as its command sees it: started, watched, and ended when it takes too long. What it
// says is bounded and shown, never believed: digests are checked again by whoever loads.
#ifndef DAEMON_IMPORTER_IMPORTER_PROCESS_H_
#define DAEMON_IMPORTER_IMPORTER_PROCESS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "daemon/importer/import_messages.h"
#include "daemon/importer/importer_config.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace daemon_importer {

// Who an importer is when root starts it; otherwise it is who we are.
inline constexpr hardening::Identity kImporterIdentity{64'803, 64'803};

// Until it is confined: of the medium it has looked at the first bytes by then.
inline constexpr std::int64_t kConfinedMs = 20'000;
// A medium that delivers nothing for this long is taken for dead. The disk of the store is given
// longer: a sync of one large file is one call.
inline constexpr std::int64_t kSilenceMs = 60'000;
inline constexpr std::int64_t kSyncMs = 600'000;
// And a medium that delivers next to nothing: so much time for each file's bytes, whatever happens.
inline constexpr std::int64_t kBytesPerMs = 256;

struct ImporterDescriptors {
  const base::Fd& medium;
  const base::Fd& staging;
  const base::Fd& objects;
};

struct ImporterHooks {
  // Before any byte of a file is read; false ends the importer (kCancelled).
  std::function<bool(const Started&)> started;
  std::function<void(const Progress&)> progress;
};

// Runs one to its end; it is gone when this returns. kUnavailable: it had to be killed for being
// too slow; kCorrupt: it ended without a result, or said what makes no sense. The message says how.
// Requires a single-threaded process.
base::Result<ImportResult> run_importer(const ImporterConfig& config,
                                        const ImporterDescriptors& descriptors,
                                        const ImporterHooks& hooks);

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_IMPORTER_PROCESS_H_
