#include "daemon/doctor/nvidia_view.h"

#include <algorithm>
#include <array>

namespace daemon_doctor {
namespace {

constexpr std::string_view kNvidia = "0x10de";
// PCI class codes (PCI Code and ID Assignment Specification): VGA controller, 3D controller.
constexpr std::string_view kDisplayClass = "0x0300";
constexpr std::string_view k3dClass = "0x0302";
constexpr std::size_t kGpusMax = 16;

// "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build …": the first
// word made of digits and points alone.
std::optional<std::string> version_in(const std::string& text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" \t\n", begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (word.find('.') != std::string::npos &&
        word.find_first_not_of("0123456789.") == std::string::npos)
      return word;
    begin = end + 1;
  }
  return std::nullopt;
}

std::string or_empty(std::optional<std::string> text) {
  return text ? *text : std::string();
}

PciGpu look_at_gpu(const SystemView& system, const std::string& address) {
  const std::string folder = "/sys/bus/pci/devices/" + address + "/";
  PciGpu gpu;
  gpu.address = address;
  gpu.device = or_empty(system.read(folder + "device"));
  gpu.driver = or_empty(system.link_name(folder + "driver"));
  const auto width = system.read(folder + "current_link_width");
  const auto width_max = system.read(folder + "max_link_width");
  if (width && width_max && !width->empty()) {
    // A card at rest lowers its speed, never its width: only the width is a fault.
    gpu.narrow = *width != *width_max;
    gpu.link = or_empty(system.read(folder + "current_link_speed")) + " x" + *width + " of " +
               or_empty(system.read(folder + "max_link_speed")) + " x" + *width_max;
  }
  return gpu;
}

std::vector<PciGpu> find_pci_gpus(const SystemView& system) {
  std::vector<PciGpu> gpus;
  for (const std::string& address : system.list("/sys/bus/pci/devices")) {
    const std::string folder = "/sys/bus/pci/devices/" + address + "/";
    const std::string kind = or_empty(system.read(folder + "class")).substr(0, 6);
    if (kind != kDisplayClass && kind != k3dClass) continue;
    if (or_empty(system.read(folder + "vendor")) != kNvidia) continue;
    if (gpus.size() < kGpusMax) gpus.push_back(look_at_gpu(system, address));
  }
  return gpus;
}

DeviceNode look_at_node(const SystemView& system, std::string path) {
  DeviceNode node;
  if (const auto owner = system.owner(path)) {
    node = {{}, true, owner->mode, owner->uid, owner->gid};
  }
  node.path = std::move(path);
  return node;
}

// libcuda.so.1 is a link to libcuda.so.VERSION.
std::string library_version(const SystemView& system) {
  constexpr std::array kFolders = {"/usr/lib/x86_64-linux-gnu/",
                                   "/usr/lib/x86_64-linux-gnu/nvidia/current/",
                                   "/usr/lib/aarch64-linux-gnu/",
                                   "/usr/lib64/",
                                   "/usr/lib/",
                                   "/usr/local/nvidia/lib64/"};
  constexpr std::string_view kPrefix = "libcuda.so.";
  for (const char* folder : kFolders) {
    if (!system.exists(std::string(folder) + "libcuda.so.1")) continue;
    for (const std::string& name : system.list(folder)) {
      if (name.starts_with(kPrefix) && name.find('.', kPrefix.size()) != std::string::npos)
        return name.substr(kPrefix.size());
    }
    return "unknown";
  }
  return {};
}

bool module_on_disk(const SystemView& system) {
  const std::string release = or_empty(system.read("/proc/sys/kernel/osrelease"));
  const auto modules = system.read("/lib/modules/" + release + "/modules.dep");
  // Too long a list is cut: then nothing is claimed of it.
  if (modules && modules->find("/nvidia.ko") != std::string::npos) return true;
  return system.exists("/lib/modules/" + release + "/updates/dkms/nvidia.ko") ||
         system.exists("/lib/modules/" + release + "/updates/dkms/nvidia.ko.xz") ||
         system.exists("/lib/modules/" + release + "/updates/dkms/nvidia-current.ko") ||
         system.exists("/lib/modules/" + release + "/updates/dkms/nvidia-current.ko.xz") ||
         system.exists("/lib/modules/" + release + "/kernel/drivers/video/nvidia.ko");
}

}  // namespace

NvidiaView look_at_nvidia(const SystemView& system) {
  NvidiaView view;
  view.gpus = find_pci_gpus(system);
  if (const auto version = system.read("/proc/driver/nvidia/version"))
    view.module_version = version_in(*version);
  view.module_on_disk = module_on_disk(system);
  view.unified_memory_module = system.exists("/sys/module/nvidia_uvm");
  view.nodes.push_back(look_at_node(system, "/dev/nvidiactl"));
  view.nodes.push_back(look_at_node(system, "/dev/nvidia-uvm"));
  const std::size_t cards = static_cast<std::size_t>(
      std::count_if(view.gpus.begin(), view.gpus.end(),
                    [](const PciGpu& gpu) { return gpu.driver == "nvidia"; }));
  for (std::size_t i = 0; i < cards; ++i)
    view.nodes.push_back(look_at_node(system, "/dev/nvidia" + std::to_string(i)));
  view.library_version = library_version(system);
  view.persistence_daemon = system.exists("/run/nvidia-persistenced/socket") ||
                            system.exists("/var/run/nvidia-persistenced/socket");
  view.unit_opened = system.exists("/etc/systemd/system/redoubt.service.d/gpu.conf") ||
                     system.exists("/usr/lib/systemd/system/redoubt.service.d/gpu.conf");
  return view;
}

}  // namespace daemon_doctor
