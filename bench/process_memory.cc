#include "bench/process_memory.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace bench {

ProcessMemory process_memory(pid_t pid) {
  ProcessMemory memory;
  const std::string path = pid == 0 ? "/proc/self/status" : fmt::format("/proc/{}/status", pid);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return memory;
  char line[256];
  unsigned long kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    // NOLINTBEGIN(cert-err34-c): the kernel wrote it
    if (std::sscanf(line, "VmRSS: %lu kB", &kib) == 1) memory.resident_bytes = kib << 10;
    if (std::sscanf(line, "VmHWM: %lu kB", &kib) == 1) memory.peak_bytes = kib << 10;
    // NOLINTEND(cert-err34-c)
  }
  (void)std::fclose(file);
  return memory;
}

}  // namespace bench
