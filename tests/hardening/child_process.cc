#include "tests/hardening/child_process.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace hardening {

std::ostream& operator<<(std::ostream& out, const Ending& ending) {
  if (ending.signal != 0) return out << "killed by SIG" << ::sigabbrev_np(ending.signal);
  return out << "exited with " << ending.exit_status << " ("
             << ::strerrordesc_np(ending.exit_status) << ")";
}

Ending in_child(const std::function<int()>& action) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::_exit(action());
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return exited(kSetupFailed);
  return WIFSIGNALED(status) ? killed_by(WTERMSIG(status)) : exited(WEXITSTATUS(status));
}

}  // namespace hardening
