// The paths by which a role reaches NVIDIA's devices and the driver's libraries. Such a role keeps
// the system's root, since it opens them by name and some of them late (a GPU that is asked for the
// first time, an event); Landlock keeps it to these.
//
// After what gVisor's nvproxy and containers give such programs (nvidia-container-toolkit), and the
// driver's documentation.
#ifndef HARDENING_DEVICE_PATHS_H_
#define HARDENING_DEVICE_PATHS_H_

#include <string>
#include <string_view>
#include <vector>

namespace hardening {

// What is not there when a role starts is left out for this start.
struct DevicePaths {
  std::vector<std::string> readable;  // files, and directories with all that is beneath
  std::vector<std::string> writable;  // likewise, for files that are there
  std::vector<std::string> devices;   // to open, to read and write, to call ioctl() on

  bool empty() const { return readable.empty() && writable.empty() && devices.empty(); }
};

inline constexpr int kGpusOfPathsMax = 32;

// To ask for facts. `library`: an absolute path, whose directory may be read; empty: the driver's
// own, where the linker looks for it.
DevicePaths gpu_fact_paths(std::string_view library);

// To compute: unified memory too, and the names of the driver's threads.
DevicePaths gpu_compute_paths();

}  // namespace hardening

#endif  // HARDENING_DEVICE_PATHS_H_
