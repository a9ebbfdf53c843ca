#include "hardening/empty_root.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace hardening {
namespace {

// Any directory that every system has would do: what is mounted over it is all that remains.
constexpr char kMountPoint[] = "/proc";
constexpr unsigned long kInert = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

}  // namespace

base::Status pivot_to_empty_root() {
  // Otherwise the mount would show in the namespace we came from.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return base::io_error(errno, "make mounts private");
  if (::mount("none", kMountPoint, "tmpfs", kInert, "mode=0555,nr_inodes=1") != 0)
    return base::io_error(errno, "mount an empty file system");
  if (::chdir(kMountPoint) != 0) return base::io_error(errno, "chdir");
  // With both arguments the same, the old root ends up on top of the new one (pivot_root(2)).
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return base::io_error(errno, "pivot_root");
  if (::umount2(".", MNT_DETACH) != 0) return base::io_error(errno, "detach the old root");
  if (::chdir("/") != 0) return base::io_error(errno, "chdir");
  return {};
}

base::Status chroot_to_empty_directory() {
  // The child shares our root directory, changes it to one of its own in /proc, and ends.
  const long child = ::syscall(SYS_clone, CLONE_FS | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) return base::io_error(errno, "clone");
  if (child == 0) {
    const bool done = ::chroot("/proc/self/fdinfo") == 0 && ::chdir("/") == 0;
    ::_exit(done ? 0 : errno);
  }
  int status = 0;
  pid_t ended = -1;
  do {
    ended = ::waitpid(static_cast<pid_t>(child), &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended < 0) return base::io_error(errno, "waitpid");
  if (!WIFEXITED(status)) return base::denied("chroot: the helper was killed");
  if (WEXITSTATUS(status) != 0) return base::io_error(WEXITSTATUS(status), "chroot");
  return {};
}

}  // namespace hardening
