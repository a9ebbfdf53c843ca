// What a role says when it crashes: one line to standard error, then the end.
//
//   <3>gateway: crashed signal=SIGSEGV address=0x10 at=redoubt+0x2f1c40
//
// `at` is the instruction, counted from where the binary or library was loaded, so that
// `addr2line -e redoubt 0x2f1c40` names the line. There are no core files: they would hold prompts.
//
// A role is the first process of its pid namespace, for which the kernel ignores signals that
// nobody handles: without this, abort() would end in a SIGSEGV of glibc's making.
#ifndef HARDENING_CRASH_REPORT_H_
#define HARDENING_CRASH_REPORT_H_

#include <optional>
#include <string_view>

namespace hardening {

// Handles SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT from now on: writes the line and ends the
// process with status 128 + signal, or 192 + signal when another process has sent it. The calling
// thread gets a stack for it, so that its own may
// overflow. SIGSYS stays the kernel's. Call once, before the sandbox; `role` is a literal.
void install_crash_report(std::string_view role);

// What the exit status of such a process speaks of.
struct ReportedCrash {
  int signal = 0;
  bool sent = false;  // by another process: no fault of this one
};
std::optional<ReportedCrash> reported_crash(int exit_status);

// Whether it is one of the five.
bool is_crash_signal(int signal);

}  // namespace hardening

#endif  // HARDENING_CRASH_REPORT_H_
