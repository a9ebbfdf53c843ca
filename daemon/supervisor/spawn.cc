#include "daemon/supervisor/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>

#include "daemon/supervisor/namespaces.h"
#include "hardening/crash_report.h"

namespace daemon_supervisor {
namespace {

constexpr int kExecFailed = 127;

// What the new process needs, made before the clone: behind it, in a process that may share locks
// with nobody, nothing is allocated.
struct Launch {
  int executable;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::vector<int> descriptors;
  base::Fd supervisor_end;  // of the channel on which the two wait for each other
  base::Fd child_end;
};

std::vector<char*> to_pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

base::Result<Launch> prepare(const SpawnRequest& request) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return base::io_error(errno, "socketpair");
  return Launch{request.executable,
                to_pointers(request.arguments),
                to_pointers(request.environment),
                request.descriptors,
                base::Fd(ends[0]),
                base::Fd(ends[1])};
}

// ---- the new process ----------------------------------------------------------------------------

[[noreturn]] void die(const char* what) {
  const char* why = ::strerrordesc_np(errno);
  for (const char* part : {"<3>supervisor: cannot start a role: ", what, ": ", why, "\n"}) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, part, std::strlen(part));
  }
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
void place_descriptors(Launch& launch) {
  const int count = static_cast<int>(launch.descriptors.size());
  const int above = count + 1;
  launch.executable = ::fcntl(launch.executable, F_DUPFD_CLOEXEC, above);
  if (launch.executable < 0) die("duplicate descriptor");
  for (int& fd : launch.descriptors) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
    if (fd < 0) die("duplicate descriptor");
  }
  for (int target = 0; target < count; ++target) {
    if (::dup2(launch.descriptors[static_cast<std::size_t>(target)], target) != target)
      die("place descriptor");
  }
  if (::syscall(SYS_close_range, static_cast<unsigned>(count), ~0u, CLOSE_RANGE_CLOEXEC) != 0)
    die("close_range");
}

// Tells the supervisor that we are ready for our maps, and waits until they are made. A supervisor
// that has ended, perhaps before PR_SET_PDEATHSIG, tells by the end of the channel: in a pid
// namespace of our own getppid() is 0 whatever happens.
void meet_supervisor(int channel) {
  char byte = 0;
  if (::write(channel, &byte, 1) != 1 || ::read(channel, &byte, 1) != 1) ::_exit(kExecFailed);
}

[[noreturn]] void run_child(Launch& launch, int flags) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) die("PR_SET_PDEATHSIG");
  ::close(launch.supervisor_end.get());
  const bool own_users = (flags & CLONE_NEWUSER) != 0;
  if (own_users && !make_mappable()) die("PR_SET_DUMPABLE");
  meet_supervisor(launch.child_end.get());
  if (own_users && !keep_capabilities()) die("ambient capabilities");
  reset_signals();
  if (::setsid() < 0) die("setsid");
  place_descriptors(launch);
  ::syscall(SYS_execveat, launch.executable, "", launch.arguments.data(), launch.environment.data(),
            AT_EMPTY_PATH);
  die("exec");
}

// ---- the supervisor -----------------------------------------------------------------------------

// fork() with flags. clone() and not clone3(): filters that systemd installs for us can read its
// flags, so they let it pass. The order of its arguments is x86-64's and arm64's up to the third.
pid_t fork_into(int flags, int& out_pidfd) {
  return static_cast<pid_t>(
      ::syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, nullptr, &out_pidfd, nullptr, nullptr));
}

// By these errors the kernel, a container or our privileges refuse a namespace for good. By any
// other there is no process to be had just now, and fewer namespaces are no answer to that.
bool is_refusal(int error) {
  constexpr int kRefusals[] = {EPERM, EACCES, EINVAL, ENOSYS, ENOSPC, EUSERS};
  return std::find(std::begin(kRefusals), std::end(kRefusals), error) != std::end(kRefusals);
}

// The child waits until it is told to go on.
base::Status release_child(Launch& launch, int flags, const SpawnRequest& request, Child& child) {
  TRY(launch.child_end.close());
  char byte = 0;
  if (::read(launch.supervisor_end.get(), &byte, 1) != 1)
    return base::unavailable("the new process ended at once");
  if ((flags & CLONE_NEWUSER) != 0) {
    const auto mapped = map_user(child.pid, request.identity);
    if (!mapped.ok()) child.skipped.push_back("own user: " + mapped.error().message);
  }
  // MSG_NOSIGNAL: it may have been killed meanwhile, which its pidfd tells.
  (void)::send(launch.supervisor_end.get(), &byte, 1, MSG_NOSIGNAL);
  return {};
}

Ended describe(const siginfo_t& info) {
  const bool exited = info.si_code == CLD_EXITED;
  const auto reported = exited ? hardening::reported_crash(info.si_status) : std::nullopt;
  if (exited && !reported) return {fmt::format("exited with status {}", info.si_status), false};
  const int signal = reported ? reported->signal : info.si_status;
  const bool crashed = hardening::is_crash_signal(signal);
  const char* name = ::sigabbrev_np(signal);
  const char* remark = "";
  if (signal == SIGSYS) remark = " (seccomp)";
  if (reported && reported->sent) remark = " (sent from outside)";
  return {fmt::format("{} by SIG{}{}", crashed ? "crashed" : "killed", name != nullptr ? name : "?",
                      remark),
          reported ? reported->sent : !crashed && signal != SIGSYS};
}

}  // namespace

base::Result<Child> spawn(const SpawnRequest& request) {
  Launch launch = TRY(prepare(request));
  Child child;
  // The best first: what is refused, is refused at once.
  constexpr int kAttempts[] = {CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWPID, 0};
  for (const int flags : kAttempts) {
    if ((flags & CLONE_NEWUSER) != 0 && request.identity.uid == 0) continue;
    int pidfd = -1;
    child.pid = fork_into(flags, pidfd);
    if (child.pid == 0) run_child(launch, flags);
    if (child.pid > 0) {
      child.pidfd = base::Fd(pidfd);  // CLOEXEC always
      const auto released = release_child(launch, flags, request, child);
      if (released.ok()) return child;
      ::kill(child.pid, SIGKILL);
      ::waitpid(child.pid, nullptr, 0);
      return released.error();
    }
    if (flags == 0 || !is_refusal(errno)) break;
    child.skipped.push_back(
        fmt::format("{}: {}", (flags & CLONE_NEWUSER) != 0 ? "user namespace" : "pid namespace",
                    ::strerrordesc_np(errno)));
  }
  return base::io_error(errno, "fork");
}

Ended reap(const Child& child) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG) != 0)
    return {"could not be waited for", false};
  return info.si_pid == 0 ? Ended() : describe(info);
}

}  // namespace daemon_supervisor
