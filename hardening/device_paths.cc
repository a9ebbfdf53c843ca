#include "hardening/device_paths.h"

#include <fmt/format.h>

#include <span>

namespace hardening {
namespace {

// The linker's cache and where it leads; facts of the driver, of the bus and of memory.
constexpr std::string_view kLibraries[] = {"/etc/ld.so.cache", "/lib",       "/lib64",
                                           "/usr/lib",         "/usr/lib64", "/usr/local/lib"};
constexpr std::string_view kFacts[] = {"/proc/driver/nvidia", "/proc/driver/nvidia-caps",
                                       "/proc/devices",       "/proc/modules",
                                       "/proc/cpuinfo",       "/proc/meminfo",
                                       "/proc/self",          "/sys/bus/pci",
                                       "/sys/devices",        "/sys/module",
                                       "/dev/nvidia-caps"};

void add_all(std::vector<std::string>& to, std::span<const std::string_view> paths) {
  for (const std::string_view path : paths) to.emplace_back(path);
}

}  // namespace

DevicePaths gpu_fact_paths(std::string_view library) {
  DevicePaths paths;
  add_all(paths.readable, kLibraries);
  add_all(paths.readable, kFacts);
  const std::size_t slash = library.rfind('/');
  if (slash != library.npos && slash > 0) paths.readable.emplace_back(library.substr(0, slash));
  paths.devices = {"/dev/nvidiactl"};
  for (int gpu = 0; gpu < kGpusOfPathsMax; ++gpu)
    paths.devices.push_back(fmt::format("/dev/nvidia{}", gpu));
  return paths;
}

DevicePaths gpu_compute_paths() {
  DevicePaths paths = gpu_fact_paths("");
  paths.readable.emplace_back("/sys/kernel/mm");
  paths.writable = {"/proc/self/task"};  // driver 570 and later: error 304 without it
  paths.devices.insert(paths.devices.end(), {"/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"});
  return paths;
}

}  // namespace hardening
