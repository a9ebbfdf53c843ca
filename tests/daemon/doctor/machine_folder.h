// A machine made of files: what SystemView reads instead of /proc, /sys and /dev.
#ifndef TESTS_DAEMON_DOCTOR_MACHINE_FOLDER_H_
#define TESTS_DAEMON_DOCTOR_MACHINE_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "daemon/doctor/system_view.h"

namespace doctor_test {

class MachineFolder {
 public:
  MachineFolder() {
    std::string name = std::filesystem::temp_directory_path() / "redoubt-doctor-XXXXXX";
    root_ = ::mkdtemp(name.data()) != nullptr ? name : std::string();
  }
  ~MachineFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  MachineFolder(const MachineFolder&) = delete;
  MachineFolder& operator=(const MachineFolder&) = delete;

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void link(const std::string& path, const std::string& target) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::filesystem::create_symlink(target, root_ + path);
  }
  void remove(const std::string& path) const { std::filesystem::remove_all(root_ + path); }
  void set_mode(const std::string& path, unsigned mode) const {
    std::filesystem::permissions(root_ + path, static_cast<std::filesystem::perms>(mode));
  }
  daemon_doctor::SystemView view() const { return daemon_doctor::SystemView(root_); }

  // A card that is seated and driven, with a whole driver, in a service that may open it.
  void seat_card(const std::string& address = "0000:3b:00.0",
                 const std::string& driver = "nvidia") const {
    const std::string folder = "/sys/bus/pci/devices/" + address + "/";
    write(folder + "vendor", "0x10de\n");
    write(folder + "device", "0x2335\n");
    write(folder + "class", "0x030200\n");
    write(folder + "current_link_speed", "32.0 GT/s PCIe\n");
    write(folder + "max_link_speed", "32.0 GT/s PCIe\n");
    write(folder + "current_link_width", "16\n");
    write(folder + "max_link_width", "16\n");
    if (!driver.empty()) link(folder + "driver", "../../../bus/pci/drivers/" + driver);
  }
  void install_driver(const std::string& version = "580.65.06") const {
    write("/proc/driver/nvidia/version",
          "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  " + version +
              "  Release Build  (dvs-builder@U16)\nGCC version:  gcc version 12.2.0\n");
    write("/usr/lib/x86_64-linux-gnu/libcuda.so." + version, "");
    write("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "");
    for (const char* node : {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0"}) {
      write(node, "");
      set_mode(node, 0666);
    }
    write("/run/nvidia-persistenced/socket", "");
    write("/etc/systemd/system/redoubt.service.d/gpu.conf", "");
  }

 private:
  std::string root_;
};

}  // namespace doctor_test

#endif  // TESTS_DAEMON_DOCTOR_MACHINE_FOLDER_H_
