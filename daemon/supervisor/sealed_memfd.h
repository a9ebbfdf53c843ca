// A role's configuration as a memfd that nobody can change any more.
#ifndef DAEMON_SUPERVISOR_SEALED_MEMFD_H_
#define DAEMON_SUPERVISOR_SEALED_MEMFD_H_

#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// Holds `text`, sealed against writing, growing and shrinking, positioned at its start.
base::Result<base::Fd> create_sealed_memfd(const char* name, std::string_view text);

// Positions it at its start again, for the next process that reads it: the offset is shared between
// all that hold it.
base::Status rewind_memfd(const base::Fd& fd);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SEALED_MEMFD_H_
