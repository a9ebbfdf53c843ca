// What the machine's files say of NVIDIA's cards and driver, without asking the driver anything: a
// driver that hangs cannot hold this up.
#ifndef DAEMON_DOCTOR_NVIDIA_VIEW_H_
#define DAEMON_DOCTOR_NVIDIA_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/doctor/system_view.h"

namespace daemon_doctor {

struct PciGpu {
  std::string address;  // "0000:3b:00.0"
  std::string device;   // "0x2330"
  std::string driver;   // kernel driver that has it: "nvidia", "nouveau", "vfio-pci"; empty: none
  std::string link;     // "32.0 GT/s PCIe x16 of 32.0 GT/s PCIe x16"; empty: not told
  bool narrow = false;  // the link has fewer lanes than both ends could have
};

struct DeviceNode {
  std::string path;  // "/dev/nvidia0"
  bool there = false;
  unsigned mode = 0;
  std::uint32_t uid = 0, gid = 0;
};

struct NvidiaView {
  std::vector<PciGpu> gpus;                   // display and 3D controllers of NVIDIA, by address
  std::optional<std::string> module_version;  // of the loaded kernel module: "580.65.06"
  bool module_on_disk = false;                // … it could be loaded
  bool unified_memory_module = false;         // nvidia_uvm is loaded
  std::vector<DeviceNode>
      nodes;  // nvidiactl, nvidia-uvm, nvidia0 … one per card that the driver has
  std::string library_version;      // of libcuda.so.1 by its file's name: "580.65.06"; empty: none
  bool persistence_daemon = false;  // /run/nvidia-persistenced is there
  bool unit_opened = false;         // the service's unit lets it open the devices
};

NvidiaView look_at_nvidia(const SystemView& system);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_NVIDIA_VIEW_H_
