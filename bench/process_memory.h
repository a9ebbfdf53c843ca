// Resident memory of a process, as the kernel counts it.
#ifndef BENCH_PROCESS_MEMORY_H_
#define BENCH_PROCESS_MEMORY_H_

#include <sys/types.h>

#include <cstdint>

namespace bench {

struct ProcessMemory {
  std::uint64_t resident_bytes = 0;  // now (VmRSS)
  std::uint64_t peak_bytes = 0;      // at most so far (VmHWM)
};

// Zeros when there is no such process or it may not be looked at. 0: this process.
ProcessMemory process_memory(pid_t pid = 0);

}  // namespace bench

#endif  // BENCH_PROCESS_MEMORY_H_
