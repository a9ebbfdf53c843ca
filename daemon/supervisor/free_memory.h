// Whether a second engine has room beside the first.
#ifndef DAEMON_SUPERVISOR_FREE_MEMORY_H_
#define DAEMON_SUPERVISOR_FREE_MEMORY_H_

#include <cstdint>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_supervisor {

struct MemoryNeed {
  std::uint64_t serving_bytes = 0;     // the files of the model that serves
  std::uint64_t candidate_bytes = 0;   // those of the one beside it
  std::uint64_t kv_cache_bytes = 0;    // of one engine, as configured; 0: not configured
  std::uint64_t memory_bytes_max = 0;  // as configured; 0: not configured
};

// kExhausted with the numbers when it has not. What an engine takes beside its weights is
// estimated: an eighth of them, the configured cache, and 64 MiB.
base::Status check_memory(const MemoryNeed& need, std::uint64_t available_bytes);

// What the kernel says can be had without swapping, from the text of /proc/meminfo
// ("MemAvailable:").
base::Result<std::uint64_t> parse_available_memory(std::string_view meminfo);
base::Result<std::uint64_t> read_available_memory();

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_FREE_MEMORY_H_
