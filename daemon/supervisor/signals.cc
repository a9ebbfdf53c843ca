#include "daemon/supervisor/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace daemon_supervisor {

base::Result<base::Fd> create_signal_fd() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&wanted, signal);
  if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0) return base::io_error(errno, "sigprocmask");
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  if (::sigaction(SIGPIPE, &ignore, nullptr) != 0) return base::io_error(errno, "sigaction");
  base::Fd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open()) return base::io_error(errno, "signalfd");
  return fd;
}

std::optional<int> read_signal(const base::Fd& fd) {
  signalfd_siginfo info{};
  if (::read(fd.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace daemon_supervisor
