#include "daemon/doctor/machine_checks.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace daemon_doctor {
namespace {

constexpr std::uint64_t kMemoryLeastKiB = std::uint64_t{2} << 20;
constexpr int kLandlockWanted = 2;  // renames across directories are refused from here on

// A line of /proc/meminfo, in KiB; 0 where it has none.
std::uint64_t memory_line(const std::string& text, std::string_view name) {
  const std::size_t line = text.find(std::string(name) + ":");
  if (line == std::string::npos) return 0;
  const std::size_t digits = text.find_first_of("0123456789", line);
  if (digits == std::string::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), value);
  return value;
}

Finding check_processor(const MachineFacts& facts) {
  Finding finding{"machine.processor", Level::kOk, "computes with " + facts.kernels, {}};
  if (facts.kernels.empty()) {
    finding.level = Level::kFault;
    finding.what = "no kernels for this processor";
  } else if (facts.kernels.ends_with("plain")) {
    finding.level = Level::kWarning;
    finding.what += ": it has no AVX2, and will be many times slower than it could be";
    finding.mend =
        "Use a processor with AVX2 or AVX-512; in a virtual machine, pass the host's processor "
        "through.";
  }
  return finding;
}

Finding check_memory(const std::string& meminfo) {
  const std::uint64_t total = memory_line(meminfo, "MemTotal");
  const std::uint64_t available = memory_line(meminfo, "MemAvailable");
  Finding finding{"machine.memory",
                  Level::kOk,
                  fmt::format("{} MiB of memory, {} MiB available", total >> 10, available >> 10),
                  {}};
  if (total == 0) {
    finding = {"machine.memory", Level::kWarning, "/proc/meminfo cannot be read", {}};
  } else if (available < kMemoryLeastKiB) {
    finding.level = Level::kWarning;
    finding.mend = "Models need their size and a quarter more. End other programs, or add memory.";
  }
  return finding;
}

// What is swapped out is on a disk: prompts and keys too, in the clear.
Finding check_swap(const SystemView& system) {
  const std::string swaps = system.read("/proc/swaps").value_or("");
  const std::size_t first = swaps.find('\n');
  if (first == std::string::npos) return {"machine.swap", Level::kOk, "no swap", {}};
  const std::string device =
      swaps.substr(first + 1, swaps.find_first_of(" \t", first + 1) - first - 1);
  if (device.starts_with("/dev/dm-") || device.starts_with("/dev/zram"))
    return {"machine.swap",
            Level::kNote,
            "swaps to " + device + ": see to it that it is encrypted, or in memory",
            {}};
  return {"machine.swap", Level::kWarning,
          "swaps to " + device + ": what users ask may come to lie on that disk",
          "swapoff -a, and take it out of /etc/fstab; or put it on an encrypted device."};
}

Finding check_landlock(const MachineFacts& facts) {
  if (facts.landlock_abi >= kLandlockWanted)
    return {"machine.landlock", Level::kOk, fmt::format("Landlock ABI {}", facts.landlock_abi), {}};
  return {
      "machine.landlock", Level::kWarning,
      facts.landlock_abi == 0 ? "the kernel offers no Landlock: roles are confined by seccomp, "
                                "users and namespaces alone"
                              : fmt::format("Landlock ABI {}", facts.landlock_abi),
      "Boot a kernel of Debian 12 or later with \"landlock\" among its security modules (lsm=…)."};
}

Finding check_seccomp(const SystemView& system) {
  if (system.read("/proc/sys/kernel/seccomp/actions_avail").value_or("").find("kill_process") !=
      std::string::npos)
    return {"machine.seccomp", Level::kOk, "seccomp can end a process", {}};
  return {"machine.seccomp", Level::kFault, "the kernel offers no seccomp: no role will start",
          "Boot a kernel with CONFIG_SECCOMP_FILTER."};
}

Finding check_large_pages(const SystemView& system) {
  const std::string mode = system.read("/sys/kernel/mm/transparent_hugepage/enabled").value_or("");
  if (mode.find("[never]") == std::string::npos)
    return {"machine.pages", Level::kOk, "large pages are to be had", {}};
  return {"machine.pages", Level::kWarning,
          "large pages are switched off: an engine on the processor is slower, and weights do not "
          "outlive it",
          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"};
}

}  // namespace

Findings check_machine(const SystemView& system, const MachineFacts& facts) {
  return {check_processor(facts), check_memory(system.read("/proc/meminfo").value_or("")),
          check_swap(system),     check_seccomp(system),
          check_landlock(facts),  check_large_pages(system)};
}

}  // namespace daemon_doctor
