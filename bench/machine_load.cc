#include "bench/machine_load.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "hardening/base/clock.h"

namespace bench {
namespace {

double tick_seconds() {
  return 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// One line of a file of the kernel's, empty when it cannot be read.
std::string first_line(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return {};
  char line[1024] = {};
  const bool got = std::fgets(line, sizeof line, file) != nullptr;
  (void)std::fclose(file);
  return got ? line : std::string();
}

// Seconds all processors were busy since boot, time taken by the hypervisor included (proc(5)).
double busy_seconds() {
  unsigned long long user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0,
                     steal = 0;
  const std::string line = first_line("/proc/stat");
  // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
  (void)std::sscanf(line.c_str(), "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
                    &system, &idle, &wait, &irq, &soft, &steal);
  return static_cast<double>(user + nice + system + irq + soft + steal) * tick_seconds();
}

double process_seconds(pid_t pid) {
  if (pid == 0) return 0;
  const std::string line = first_line(fmt::format("/proc/{}/stat", pid));
  const char* after_name = std::strrchr(line.c_str(), ')');
  unsigned long long user = 0, system = 0;
  if (after_name == nullptr) return 0;
  // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
  (void)std::sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                    &system);
  return static_cast<double>(user + system) * tick_seconds();
}

double own_seconds(pid_t other) {
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime) + process_seconds(other);
}

}  // namespace

MachineLoad::MachineLoad(pid_t other)
    : other_(other),
      started_busy_(busy_seconds()),
      started_own_(own_seconds(other)),
      started_ns_(base::SystemClock().monotonic_ns()) {}

double MachineLoad::foreign_share() const {
  const double elapsed =
      static_cast<double>(base::SystemClock().monotonic_ns() - started_ns_) * 1e-9;
  const double all = elapsed * static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  const double foreign = busy_seconds() - started_busy_ - (own_seconds(other_) - started_own_);
  return all > 0 ? std::clamp(foreign / all, 0.0, 1.0) : 0;
}

}  // namespace bench
