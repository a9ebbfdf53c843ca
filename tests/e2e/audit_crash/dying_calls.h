// The auditor's death at a call of the test's choice: every call that changes what is on the disk
// is counted, and one of them is the last of the process, which ends before it is made, or halfway.
//
// What is counted: write to a file, fsync, renameat, mkdirat, unlinkat, fallocate, openat that
// creates. The functions stand in the place of glibc's in the whole executable.
#ifndef TESTS_E2E_AUDIT_CRASH_DYING_CALLS_H_
#define TESTS_E2E_AUDIT_CRASH_DYING_CALLS_H_

#include <atomic>
#include <cstdint>

namespace audit_crash {

// As a shell tells of SIGKILL.
inline constexpr int kDied = 137;

enum class Death : std::uint8_t {
  kBefore,   // the call is not made
  kHalfway,  // a write has put half of its bytes there; other calls are not made
  kAfter,    // the call is made, and nobody hears of it
};

// Shared between the auditor's process and its parent.
struct DeathPlan {
  std::atomic<std::uint64_t> calls;  // so far
  std::uint64_t last;                // the number of the last one, from 1; 0: none
  Death death;
};

// From now on in this process. Null: nothing is counted.
void die_by(DeathPlan* plan);

}  // namespace audit_crash

#endif  // TESTS_E2E_AUDIT_CRASH_DYING_CALLS_H_
