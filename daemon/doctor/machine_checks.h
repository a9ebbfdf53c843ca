// The machine itself: processor, memory, kernel.
#ifndef DAEMON_DOCTOR_MACHINE_CHECKS_H_
#define DAEMON_DOCTOR_MACHINE_CHECKS_H_

#include <string>

#include "daemon/doctor/finding.h"
#include "daemon/doctor/system_view.h"

namespace daemon_doctor {

struct MachineFacts {
  std::string kernels;  // name of the CPU backend's kernel set: "cpu-avx512vnni"
  int landlock_abi = 0;
};

Findings check_machine(const SystemView& system, const MachineFacts& facts);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_MACHINE_CHECKS_H_
