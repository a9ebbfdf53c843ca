#include "daemon/doctor/machine_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/doctor/finding.h"
#include "tests/daemon/doctor/machine_folder.h"

namespace doctor_test {
namespace {

using daemon_doctor::check_machine;
using daemon_doctor::Finding;
using daemon_doctor::Findings;
using daemon_doctor::Level;
using daemon_doctor::MachineFacts;
using testing::HasSubstr;

const MachineFacts kFacts{"cpu-avx512vnni", 4};

void make_sound(const MachineFolder& machine) {
  machine.write("/proc/meminfo",
                "MemTotal:       24583220 kB\nMemFree: 1 kB\nMemAvailable:   20000000 kB\n");
  machine.write("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
  machine.write("/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno\n");
  machine.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
}

Level level_of(const Findings& findings, const std::string& check) {
  for (const Finding& finding : findings) {
    if (finding.check == check) return finding.level;
  }
  ADD_FAILURE() << "nothing is said of " << check;
  return Level::kOk;
}

TEST(MachineChecks, ASoundMachineHasNoComplaint) {
  const MachineFolder machine;
  make_sound(machine);
  for (const Finding& finding : check_machine(machine.view(), kFacts)) {
    EXPECT_EQ(finding.level, Level::kOk) << finding.check << ": " << finding.what;
  }
}

TEST(MachineChecks, EachComplaintIsNamed) {
  const MachineFolder machine;
  make_sound(machine);
  EXPECT_EQ(level_of(check_machine(machine.view(), {"cpu-plain", 4}), "machine.processor"),
            Level::kWarning);
  EXPECT_EQ(level_of(check_machine(machine.view(), {"", 4}), "machine.processor"), Level::kFault);
  EXPECT_EQ(level_of(check_machine(machine.view(), {"cpu-avx2", 0}), "machine.landlock"),
            Level::kWarning);
  machine.write("/proc/swaps", "Filename\tType\tSize\n/dev/sda3   partition 8000 0 -2\n");
  EXPECT_EQ(level_of(check_machine(machine.view(), kFacts), "machine.swap"), Level::kWarning);
  machine.write("/proc/swaps", "Filename\tType\tSize\n/dev/zram0   partition 8000 0 -2\n");
  EXPECT_EQ(level_of(check_machine(machine.view(), kFacts), "machine.swap"), Level::kNote);
  machine.remove("/proc/sys/kernel/seccomp");
  EXPECT_EQ(level_of(check_machine(machine.view(), kFacts), "machine.seccomp"), Level::kFault);
  machine.write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  EXPECT_EQ(level_of(check_machine(machine.view(), kFacts), "machine.pages"), Level::kWarning);
  machine.write("/proc/meminfo", "MemTotal:  4000000 kB\nMemAvailable:   1000000 kB\n");
  EXPECT_EQ(level_of(check_machine(machine.view(), kFacts), "machine.memory"), Level::kWarning);
}

TEST(MachineChecks, WhatAFileSaysCannotMoveTheCursor) {
  const Findings findings = {{"a", Level::kFault, "b\x1b[2J", "c\nd"}};
  EXPECT_EQ(daemon_doctor::format_findings(findings),
            "FAULT    a  b?[2J\n            -> c?d\n\n1 fault, 0 warnings\n");
}

}  // namespace
}  // namespace doctor_test
