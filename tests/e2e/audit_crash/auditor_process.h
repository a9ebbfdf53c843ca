// The auditor's loop over the real log, in a process that ends when its plan says so.
#ifndef TESTS_E2E_AUDIT_CRASH_AUDITOR_PROCESS_H_
#define TESTS_E2E_AUDIT_CRASH_AUDITOR_PROCESS_H_

#include <cstdint>
#include <string>

#include "hardening/base/fd.h"
#include "tests/e2e/audit_crash/dying_calls.h"

namespace audit_crash {

// The exit status of one whose log could not be opened, or could not go on.
inline constexpr int kOpenFailed = 3;
inline constexpr int kServeFailed = 4;

[[noreturn]] void run_auditor(const std::string& directory, base::Fd control,
                              std::uint64_t supervisor, DeathPlan* plan);

}  // namespace audit_crash

#endif  // TESTS_E2E_AUDIT_CRASH_AUDITOR_PROCESS_H_
