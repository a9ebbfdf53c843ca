#include "daemon/supervisor/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace daemon_supervisor {
namespace {

constexpr int kExecFailed = 127;

std::vector<char*> to_pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void die(const char* what) {
  const std::string line =
      fmt::format("supervisor: cannot start a role: {}: {}\n", what, ::strerrordesc_np(errno));
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(kExecFailed);
}

void reset_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : {SIGPIPE, SIGCHLD, SIGHUP, SIGINT, SIGTERM})
    ::sigaction(signal, &standard, nullptr);
}

// Moves all of them out of the way first, so that no target overwrites a source that is still
// needed.
void place_descriptors(std::vector<int> descriptors, int& executable) {
  const int count = static_cast<int>(descriptors.size());
  const int above = count + 1;
  executable = ::fcntl(executable, F_DUPFD_CLOEXEC, above);
  if (executable < 0) die("duplicate descriptor");
  for (int& fd : descriptors) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
    if (fd < 0) die("duplicate descriptor");
  }
  for (int target = 0; target < count; ++target) {
    if (::dup2(descriptors[static_cast<std::size_t>(target)], target) != target)
      die("place descriptor");
  }
  if (::syscall(SYS_close_range, static_cast<unsigned>(count), ~0u, CLOSE_RANGE_CLOEXEC) != 0)
    die("close_range");
}

[[noreturn]] void run_child(const SpawnRequest& request, pid_t parent, char* const* arguments,
                            char* const* environment) {
  reset_signals();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) die("PR_SET_PDEATHSIG");
  if (::getppid() != parent) ::_exit(kExecFailed);  // it ended before we could ask to be told
  if (::setsid() < 0) die("setsid");
  int executable = request.executable;
  place_descriptors(request.descriptors, executable);
  ::syscall(SYS_execveat, executable, "", arguments, environment, AT_EMPTY_PATH);
  die("exec");
}

std::string describe(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return fmt::format("exited with status {}", info.si_status);
  const char* name = ::sigabbrev_np(info.si_status);
  return fmt::format("killed by SIG{}{}", name != nullptr ? name : "?",
                     info.si_status == SIGSYS ? " (seccomp)" : "");
}

}  // namespace

base::Result<Child> spawn(const SpawnRequest& request) {
  const auto arguments = to_pointers(request.arguments);
  const auto environment = to_pointers(request.environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return base::io_error(errno, "fork");
  if (pid == 0) run_child(request, parent, arguments.data(), environment.data());
  Child child;
  child.pid = pid;
  child.pidfd = base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // CLOEXEC always
  if (child.pidfd.is_open()) return child;
  const auto error = base::io_error(errno, "pidfd_open");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return error;
}

std::string reap(const Child& child) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG) != 0)
    return "could not be waited for";
  return info.si_pid == 0 ? std::string() : describe(info);
}

}  // namespace daemon_supervisor
