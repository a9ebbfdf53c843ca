// Every fault of a GPU that can be told is named, with its mend, and no fault is named where there
// is none.
#include "daemon/doctor/gpu_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/daemon/doctor/machine_folder.h"

namespace doctor_test {
namespace {

using daemon_doctor::check_gpus;
using daemon_doctor::Finding;
using daemon_doctor::Findings;
using daemon_doctor::GpuEvidence;
using daemon_doctor::Level;
using daemon_health::GpuReading;
using daemon_health::GpuSnapshot;
using kernels::cuda::Gpu;
using kernels::cuda::GpuInventory;
using kernels::cuda::GpuSupport;
using testing::HasSubstr;

// What CUDA and NVML say of one sound card.
GpuInventory usable() {
  GpuInventory inventory;
  inventory.support = GpuSupport::kUsable;
  inventory.runtime_version = 13'000;
  inventory.driver_version = 13'000;
  Gpu gpu;
  gpu.name = "NVIDIA H200";
  gpu.uuid = "GPU-1";
  gpu.capability = 90;
  gpu.memory_bytes = std::uint64_t{141} << 30;
  gpu.kernels = "cuda-sm90a";
  inventory.gpus.push_back(gpu);
  return inventory;
}

GpuSnapshot sound() {
  GpuReading reading;
  reading.uuid = "GPU-1";
  reading.name = "NVIDIA H200";
  reading.persistence = true;
  reading.ecc_enabled = true;
  reading.mig_enabled = false;
  reading.inforom_valid = true;
  reading.temperature_c = 40;
  reading.slowdown_c = 90;
  GpuSnapshot snapshot;
  snapshot.gpus.push_back(reading);
  return snapshot;
}

GpuEvidence sound_machine(const MachineFolder& machine) {
  GpuEvidence evidence;
  evidence.files = daemon_doctor::look_at_nvidia(machine.view());
  evidence.cuda = usable();
  evidence.nvml = sound();
  return evidence;
}

const Finding* find(const Findings& findings, const std::string& check, Level least) {
  for (const Finding& finding : findings) {
    if (finding.check == check && finding.level >= least) return &finding;
  }
  return nullptr;
}

class GpuChecksTest : public testing::Test {
 protected:
  GpuChecksTest() {
    machine_.seat_card();
    machine_.install_driver();
  }

  // Exactly this check complains, and says what to do.
  void expect_only(const GpuEvidence& evidence, const std::string& check, const std::string& what) {
    const Findings findings = check_gpus(evidence);
    const Finding* found = find(findings, check, Level::kWarning);
    ASSERT_NE(found, nullptr) << daemon_doctor::format_findings(findings);
    EXPECT_THAT(found->what, HasSubstr(what));
    EXPECT_FALSE(found->mend.empty());
    for (const Finding& finding : findings) {
      if (finding.check == check) continue;
      EXPECT_LT(finding.level, Level::kWarning) << finding.check << ": " << finding.what;
    }
  }

  MachineFolder machine_;
};

TEST_F(GpuChecksTest, ASoundCardHasNoComplaint) {
  const Findings findings = check_gpus(sound_machine(machine_));
  for (const Finding& finding : findings)
    EXPECT_EQ(finding.level, Level::kOk) << finding.check << ": " << finding.what;
  EXPECT_NE(find(findings, "gpu.cuda", Level::kOk), nullptr);
  EXPECT_NE(find(findings, "gpu.health", Level::kOk), nullptr);
}

TEST(GpuChecksWithoutACard, SaysSoAndComplainsOnlyWhereOneIsWanted) {
  const MachineFolder machine;
  GpuEvidence evidence;
  evidence.files = daemon_doctor::look_at_nvidia(machine.view());
  evidence.cuda = GpuInventory{};
  Findings findings = check_gpus(evidence);
  EXPECT_EQ(find(findings, "gpu.cards", Level::kWarning), nullptr);
  EXPECT_NE(find(findings, "gpu.cards", Level::kNote), nullptr);
  evidence.wanted = true;
  findings = check_gpus(evidence);
  EXPECT_NE(find(findings, "gpu.cards", Level::kFault), nullptr);
  EXPECT_NE(find(findings, "gpu.build", Level::kFault), nullptr);
}

TEST_F(GpuChecksTest, AModuleThatIsNotLoadedIsTheFirstCauseAndTheOnlyOne) {
  machine_.remove("/proc/driver");
  machine_.remove("/dev");
  GpuEvidence evidence = sound_machine(machine_);
  evidence.nvml.reset();
  expect_only(evidence, "gpu.driver", "not loaded");
  machine_.write("/proc/sys/kernel/osrelease", "6.1.0\n");
  machine_.write("/lib/modules/6.1.0/updates/dkms/nvidia.ko", "");
  evidence.files = daemon_doctor::look_at_nvidia(machine_.view());
  EXPECT_THAT(find(check_gpus(evidence), "gpu.driver", Level::kWarning)->mend,
              HasSubstr("modprobe nvidia"));
}

TEST_F(GpuChecksTest, NouveauIsNamed) {
  machine_.remove("/sys");
  machine_.remove("/proc/driver");
  machine_.seat_card("0000:3b:00.0", "nouveau");
  const Findings findings = check_gpus(sound_machine(machine_));
  ASSERT_NE(find(findings, "gpu.cards", Level::kWarning), nullptr);
  EXPECT_THAT(find(findings, "gpu.cards", Level::kWarning)->mend, HasSubstr("blacklist nouveau"));
}

TEST_F(GpuChecksTest, ACardForSomebodyElseIsANote) {
  machine_.seat_card("0000:af:00.0", "vfio-pci");
  const Findings findings = check_gpus(sound_machine(machine_));
  EXPECT_EQ(find(findings, "gpu.cards", Level::kWarning), nullptr);
  EXPECT_NE(find(findings, "gpu.cards", Level::kNote), nullptr);
}

TEST_F(GpuChecksTest, ADriverChangedUnderARunningKernelIsNamed) {
  machine_.write("/proc/driver/nvidia/version",
                 "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.10.01  Mon\n");
  expect_only(sound_machine(machine_), "gpu.library", "module 570.10.01, libraries 580.65.06");
}

TEST_F(GpuChecksTest, MissingLibrariesAreNamed) {
  machine_.remove("/usr");
  expect_only(sound_machine(machine_), "gpu.library", "not installed");
}

TEST_F(GpuChecksTest, EachMissingDeviceNodeIsNamed) {
  for (const char* node : {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0"}) {
    const MachineFolder machine;
    machine.seat_card();
    machine.install_driver();
    machine.remove(node);
    expect_only(sound_machine(machine), "gpu.nodes", node);
  }
}

TEST_F(GpuChecksTest, ANodeThatTheEngineMayNotOpenIsNamed) {
  machine_.set_mode("/dev/nvidia0", 0660);
  expect_only(sound_machine(machine_), "gpu.nodes", "mode 0660");
}

TEST_F(GpuChecksTest, AUnitThatKeepsTheDevicesShutIsNamed) {
  machine_.remove("/etc");
  expect_only(sound_machine(machine_), "gpu.unit", "unit");
}

TEST_F(GpuChecksTest, ANarrowLinkIsNamedAndASlowOneAtRestIsNot) {
  machine_.write("/sys/bus/pci/devices/0000:3b:00.0/current_link_speed", "2.5 GT/s PCIe\n");
  EXPECT_EQ(find(check_gpus(sound_machine(machine_)), "gpu.link", Level::kWarning), nullptr);
  machine_.write("/sys/bus/pci/devices/0000:3b:00.0/current_link_width", "8\n");
  expect_only(sound_machine(machine_), "gpu.link", "x8 of");
}

TEST_F(GpuChecksTest, WhatCudaSaysIsPassedOn) {
  for (const GpuSupport support :
       {GpuSupport::kDriverTooOld, GpuSupport::kNoDevice, GpuSupport::kDriverFailed}) {
    GpuEvidence evidence = sound_machine(machine_);
    evidence.cuda->support = support;
    evidence.cuda->reason = "because of this";
    evidence.cuda->gpus.clear();
    expect_only(evidence, "gpu.cuda", "because of this");
  }
  GpuEvidence evidence = sound_machine(machine_);
  evidence.cuda->gpus[0].support = GpuSupport::kArchitecture;
  evidence.cuda->gpus[0].capability = 75;
  expect_only(evidence, "gpu.cuda", "7.5");
}

TEST_F(GpuChecksTest, ADriverThatDoesNotAnswerIsNamed) {
  GpuEvidence evidence = sound_machine(machine_);
  evidence.cuda.reset();
  expect_only(evidence, "gpu.cuda", "hangs");
  evidence = sound_machine(machine_);
  evidence.nvml.reset();
  expect_only(evidence, "gpu.nvml", "hangs");
}

TEST_F(GpuChecksTest, EachComplaintOfTheCardIsNamed) {
  struct Case {
    std::string check;
    std::string what;
    std::function<void(GpuReading&)> change;
  };
  const Case cases[] = {
      {"gpu.mig", "MIG", [](GpuReading& g) { g.mig_enabled = true; }},
      {"gpu.taken", "process 77",
       [](GpuReading& g) {
         g.processes = {5, 77};
       }},
      {"gpu.persistence", "persistence is off", [](GpuReading& g) { g.persistence = false; }},
      {"gpu.health", "gpu_is_lost",
       [](GpuReading& g) { g.status = daemon_health::NvmlStatus::kGpuIsLost; }},
      {"gpu.health", "could not be remapped", [](GpuReading& g) { g.remap_failed = true; }},
      {"gpu.health", "waits to be remapped", [](GpuReading& g) { g.remap_pending = true; }},
      {"gpu.health", "3 uncorrectable", [](GpuReading& g) { g.ecc_uncorrected_volatile = 3; }},
      {"gpu.health", "InfoROM", [](GpuReading& g) { g.inforom_valid = false; }},
      {"gpu.ecc", "switched off", [](GpuReading& g) { g.ecc_enabled = false; }},
      {"gpu.heat", "90 °C", [](GpuReading& g) { g.temperature_c = 90; }},
  };
  for (const Case& each : cases) {
    GpuEvidence evidence = sound_machine(machine_);
    evidence.ours = {5};
    each.change(evidence.nvml->gpus[0]);
    expect_only(evidence, each.check, each.what);
  }
}

TEST_F(GpuChecksTest, WhatIsAWarningBesideTheProcessorIsAFaultWhereAGpuIsWanted) {
  machine_.remove("/dev/nvidia0");
  GpuEvidence evidence = sound_machine(machine_);
  EXPECT_FALSE(daemon_doctor::any_fault(check_gpus(evidence)));
  evidence.wanted = true;
  EXPECT_TRUE(daemon_doctor::any_fault(check_gpus(evidence)));
}

}  // namespace
}  // namespace doctor_test
