#include "daemon/doctor/gpu_checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace daemon_doctor {
namespace {

using daemon_health::GpuReading;
using daemon_health::GpuSnapshot;
using daemon_health::NvmlStatus;
using kernels::cuda::Gpu;
using kernels::cuda::GpuInventory;
using kernels::cuda::GpuSupport;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class GpuChecks {
 public:
  explicit GpuChecks(const GpuEvidence& evidence) : evidence_(evidence), files_(evidence.files) {}

  Findings run() {
    if (files_.gpus.empty() && !files_.module_version) {
      say("gpu.cards", evidence_.wanted ? Level::kFault : Level::kNote,
          "this machine has no NVIDIA GPU: Redoubt computes on the processor",
          evidence_.wanted
              ? "Seat the card and its power cables, or set engine.backend = \"auto\" or \"cpu\"."
              : "");
      check_build();
      return std::move(findings_);
    }
    check_cards();
    check_build();
    if (!check_module()) return std::move(findings_);
    const bool library = check_library();
    const bool nodes = check_nodes();
    check_unit();
    check_persistence();
    if (library && nodes) check_cuda();
    check_nvml();
    return std::move(findings_);
  }

 private:
  void say(std::string check, Level level, std::string what, std::string mend = {}) {
    findings_.push_back({std::move(check), level, std::move(what), std::move(mend)});
  }
  // A fault where a GPU is to compute; else a warning, since the processor does.
  Level grave() const { return evidence_.wanted ? Level::kFault : Level::kWarning; }

  void check_cards() {
    for (const PciGpu& gpu : files_.gpus) {
      const std::string card = fmt::format("the card at {} ({})", gpu.address, gpu.device);
      if (gpu.driver == "nvidia") {
        say("gpu.cards", Level::kOk, card + " is driven by nvidia");
      } else if (gpu.driver == "nouveau") {
        say("gpu.cards", grave(), card + " is held by nouveau, which cannot compute",
            "Install NVIDIA's driver; write \"blacklist nouveau\" to /etc/modprobe.d/nouveau.conf, "
            "run "
            "update-initramfs -u, reboot.");
      } else if (gpu.driver.empty()) {
        say("gpu.cards", grave(), card + " has no driver",
            files_.module_on_disk ? "modprobe nvidia; if that fails, dmesg says why."
                                  : "Install NVIDIA's driver for this kernel.");
      } else {
        say("gpu.cards", Level::kNote,
            card + " is held by " + gpu.driver + ": it is given to somebody else");
      }
      if (gpu.narrow)
        say("gpu.link", Level::kWarning, card + " has fewer lanes than it could: " + gpu.link,
            "Reseat the card; look at the slot, the riser and the BIOS settings of the slot.");
    }
  }

  void check_build() {
    const auto& cuda = evidence_.cuda;
    if (cuda && cuda->support == GpuSupport::kNotBuilt) {
      say("gpu.build", evidence_.wanted ? Level::kFault : Level::kNote,
          "this binary was built without CUDA",
          files_.gpus.empty() && !evidence_.wanted ? ""
                                                   : "Install a build made with the preset cuda.");
    } else if (cuda && cuda->runtime_version > 0) {
      say("gpu.build", Level::kOk,
          fmt::format("built with CUDA {}.{}", cuda->runtime_version / 1'000,
                      cuda->runtime_version % 1'000 / 10));
    }
  }

  bool check_module() {
    if (files_.module_version) {
      say("gpu.driver", Level::kOk, "kernel module " + *files_.module_version + " is loaded");
      return true;
    }
    say("gpu.driver", grave(), "NVIDIA's kernel module is not loaded",
        files_.module_on_disk ? "modprobe nvidia; if that fails, dmesg says why (Secure Boot "
                                "refuses unsigned modules: mokutil --sb-state)."
                              : "Install the driver, and the headers of the running kernel (uname "
                                "-r), so that its module is built for it.");
    return false;
  }

  bool check_library() {
    if (files_.library_version.empty()) {
      say("gpu.library", grave(), "libcuda.so.1 is not installed: only half of the driver is there",
          "Install the driver's libraries (libcuda1, libnvidia-ml1) of version " +
              *files_.module_version + ".");
      return false;
    }
    if (files_.library_version != "unknown" && files_.library_version != *files_.module_version) {
      say("gpu.library", grave(),
          fmt::format("the driver was changed under a running kernel: module {}, libraries {}",
                      *files_.module_version, files_.library_version),
          "Reboot. (Or stop whatever uses the GPU, then: rmmod nvidia_uvm nvidia_drm "
          "nvidia_modeset nvidia; "
          "modprobe nvidia.)");
      return false;
    }
    say("gpu.library", Level::kOk, "libcuda.so.1 is " + files_.library_version);
    return true;
  }

  bool check_nodes() {
    bool all = true;
    for (const DeviceNode& node : files_.nodes) {
      if (!node.there) {
        all = false;
        const bool unified = node.path == "/dev/nvidia-uvm";
        say("gpu.nodes", grave(), node.path + " is not there",
            unified ? "nvidia-modprobe -u -c=0, and enable nvidia-persistenced so that it is there "
                      "after every start."
                    : "nvidia-modprobe -c=0 -c=255, and enable nvidia-persistenced so that it is "
                      "there after every start.");
      } else if ((node.mode & 0006U) != 0006U) {
        say("gpu.nodes", Level::kWarning,
            fmt::format("{} has mode {:04o}, owner {}:{}: the engine's user may not open it",
                        node.path, node.mode, node.uid, node.gid),
            "Set NVreg_DeviceFileMode=0666 (or a group with redoubt-engine and redoubt-health in "
            "it) in "
            "/etc/modprobe.d/nvidia.conf. The unit's DeviceAllow keeps everybody else's processes "
            "out of the service.");
      }
    }
    if (all) say("gpu.nodes", Level::kOk, "the device nodes are there");
    return all;
  }

  void check_unit() {
    if (files_.unit_opened) return;
    say("gpu.unit", Level::kWarning, "the service's unit does not let it open a GPU",
        "Copy gpu/redoubt.service.d/gpu.conf to /etc/systemd/system/redoubt.service.d/, systemctl "
        "daemon-reload, "
        "restart. (Nothing to do where Redoubt does not run as that unit.)");
  }

  void check_persistence() {
    const auto& nvml = evidence_.nvml;
    const bool off =
        nvml && std::any_of(nvml->gpus.begin(), nvml->gpus.end(), [](const GpuReading& gpu) {
          return gpu.persistence && !*gpu.persistence;
        });
    if (files_.persistence_daemon && !off) return;
    if (nvml && !off && !nvml->gpus.empty()) return;
    say("gpu.persistence", Level::kWarning,
        "persistence is off: the driver is set up anew whenever nobody has the GPU open, which "
        "takes seconds and "
        "forgets its counters",
        "systemctl enable --now nvidia-persistenced");
  }

  void check_cuda() {
    const auto& cuda = evidence_.cuda;
    if (!cuda) {
      say("gpu.cuda", grave(), "the CUDA driver did not answer in time: it hangs",
          "Look at dmesg for NVRM messages (Xid). Reset the GPU (nvidia-smi --gpu-reset) or "
          "reboot.");
      return;
    }
    if (cuda->support == GpuSupport::kNotBuilt) return;
    if (cuda->support != GpuSupport::kUsable)
      say("gpu.cuda", grave(), cuda->reason, mend_of(*cuda));
    for (const Gpu& gpu : cuda->gpus) {
      if (gpu.support != GpuSupport::kUsable) {
        say("gpu.cuda", grave(),
            fmt::format("{} ({}): compute capability {}.{} is not in this build", gpu.name,
                        gpu.uuid, gpu.capability / 10, gpu.capability % 10),
            "This build has machine code for 8.0 to 8.9, 9.0, 10.0 and 12.0. Use such a card, or "
            "engine.backend = \"cpu\".");
        continue;
      }
      say("gpu.cuda", Level::kOk,
          fmt::format("{} ({}), {} MiB, kernels {}", gpu.name, gpu.uuid, gpu.memory_bytes / kMiB,
                      gpu.kernels));
    }
  }

  static std::string mend_of(const GpuInventory& cuda) {
    switch (cuda.support) {
      case GpuSupport::kDriverTooOld:
        return fmt::format("Install a driver for CUDA {}.{} or later.",
                           cuda.runtime_version / 1'000, cuda.runtime_version % 1'000 / 10);
      case GpuSupport::kNoDevice:
        return "Look at nvidia-smi; is the card given to another machine, or hidden by "
               "CUDA_VISIBLE_DEVICES?";
      default:
        return "dmesg (NVRM) and nvidia-smi say more; after a change of the driver, reboot.";
    }
  }

  void check_nvml() {
    const auto& nvml = evidence_.nvml;
    if (!nvml) {
      say("gpu.nvml", grave(), "NVML did not answer in time: the driver hangs",
          "Look at dmesg for NVRM messages (Xid). Reset the GPU or reboot.");
      return;
    }
    if (!nvml->error.empty()) {
      say("gpu.nvml", Level::kWarning, "nobody can look after the GPU: " + nvml->error,
          "Install libnvidia-ml1 of the driver's version.");
      return;
    }
    for (const GpuReading& gpu : nvml->gpus) check_reading(gpu);
  }

  void check_reading(const GpuReading& gpu) {
    const std::string card = fmt::format("{} ({})", gpu.name, gpu.uuid);
    const std::size_t before = findings_.size();
    if (gpu.status == NvmlStatus::kGpuIsLost || gpu.status == NvmlStatus::kResetRequired)
      say("gpu.health", grave(), card + ": " + std::string(nvml_status_name(gpu.status)),
          gpu.status == NvmlStatus::kGpuIsLost
              ? "Reboot; if it comes again, have the card and its seat inspected."
              : "nvidia-smi --gpu-reset, with the service stopped.");
    if (gpu.mig_enabled && *gpu.mig_enabled)
      say("gpu.mig", grave(), card + " is cut into MIG instances; Redoubt takes whole GPUs",
          "nvidia-smi -mig 0 -i " + std::to_string(gpu.index) + ", with nothing running on it.");
    check_strangers(gpu, card);
    if (gpu.remap_failed && *gpu.remap_failed)
      say("gpu.health", grave(), card + ": a row of its memory could not be remapped",
          "Replace the card.");
    else if (gpu.remap_pending && *gpu.remap_pending)
      say("gpu.health", Level::kWarning, card + ": a row of its memory waits to be remapped",
          "Reset the GPU when it suits (nvidia-smi --gpu-reset, with the service stopped).");
    if (gpu.ecc_uncorrected_volatile && *gpu.ecc_uncorrected_volatile > 0)
      say("gpu.health", Level::kWarning,
          fmt::format("{}: {} uncorrectable memory errors since the driver was loaded", card,
                      *gpu.ecc_uncorrected_volatile),
          "Reset the GPU; if they come again, replace the card.");
    if (gpu.ecc_enabled && !*gpu.ecc_enabled)
      say("gpu.ecc", Level::kWarning, card + " has its error correction switched off",
          "nvidia-smi -e 1, then reset the GPU: a flipped bit is a wrong answer that nobody sees.");
    if (gpu.inforom_valid && !*gpu.inforom_valid)
      say("gpu.health", Level::kWarning, card + ": its InfoROM is damaged",
          "Ask its maker; it computes meanwhile.");
    if (gpu.temperature_c && gpu.slowdown_c && *gpu.temperature_c >= *gpu.slowdown_c)
      say("gpu.heat", Level::kWarning,
          fmt::format("{} is at {} °C and slows itself down from {} °C", card, *gpu.temperature_c,
                      *gpu.slowdown_c),
          "Look at fans, filters and the temperature of the room.");
    if (findings_.size() == before) say("gpu.health", Level::kOk, card + ": no complaint");
  }

  void check_strangers(const GpuReading& gpu, const std::string& card) {
    std::string strangers;
    for (const std::uint32_t pid : gpu.processes) {
      if (std::find(evidence_.ours.begin(), evidence_.ours.end(), pid) != evidence_.ours.end())
        continue;
      strangers += (strangers.empty() ? "" : ", ") + std::to_string(pid);
    }
    if (strangers.empty()) return;
    say("gpu.taken", Level::kWarning,
        fmt::format("{} is used by others: process {}", card, strangers),
        "ps says who they are. Redoubt plans with the memory that is free when it starts.");
  }

  const GpuEvidence& evidence_;
  const NvidiaView& files_;
  Findings findings_;
};

}  // namespace

Findings check_gpus(const GpuEvidence& evidence) {
  return GpuChecks(evidence).run();
}

}  // namespace daemon_doctor
