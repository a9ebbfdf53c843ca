// What the journal says of a file that was to follow from it and could not be written or synced.
#ifndef DAEMON_AUDIT_LOG_JOURNAL_RESCUE_H_
#define DAEMON_AUDIT_LOG_JOURNAL_RESCUE_H_

#include <cstdint>
#include <span>
#include <string>

#include "daemon/audit/tlog/hash.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

// `journals`: the first indexes of the files, ascending. kCorrupt: it is not, or no longer, there.
base::Result<std::string> rescue_bundle(const base::Fd& directory,
                                        std::span<const std::uint64_t> journals,
                                        std::uint64_t number);
base::Result<std::string> rescue_sealed(const base::Fd& directory,
                                        std::span<const std::uint64_t> journals,
                                        const Hash& digest);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_JOURNAL_RESCUE_H_
