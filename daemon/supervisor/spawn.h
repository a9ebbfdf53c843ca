// Starts a role: fork and exec of an open executable, with exactly the descriptors it is meant to
// have, as the first process of a pid namespace.
#ifndef DAEMON_SUPERVISOR_SPAWN_H_
#define DAEMON_SUPERVISOR_SPAWN_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

struct SpawnRequest {
  int executable = -1;                   // open for reading or O_PATH
  std::vector<std::string> arguments;    // arguments[0] is the name shown by ps
  std::vector<std::string> environment;  // all of it; nothing is inherited
  std::vector<int> descriptors;          // become 0, 1, 2, …; everything else is closed
  hardening::Identity identity =
      {};  // the user it is to become by itself; uid 0: it stays who we are
};

struct Child {
  pid_t pid = -1;
  base::Fd pidfd;                    // readable when the process has ended
  std::vector<std::string> skipped;  // "what: why" of what could not be had, for the log
};

// The child leads a session of its own (a terminal's Ctrl-C is the supervisor's to handle), has no
// signal blocked, and is killed when the calling thread ends. Requires a single-threaded caller.
//
// As far as kernel and privileges allow, the child is in a new user namespace in which only its
// identity exists (only our own user, where we may not map another) and in which it holds the
// capabilities that hardening::Sandbox needs and then drops, and in a new pid namespace. As process
// 1 there it is not ended by signals it does not handle, except SIGKILL of ours.
base::Result<Child> spawn(const SpawnRequest& request);

struct Ended {
  std::string how;  // empty: it still runs
  bool from_outside =
      false;  // by a signal that another process sent, or the kernel for want of memory
};

// Collects an ended child and says how it ended: "exited with status 1", "killed by SIGSYS
// (seccomp)", "crashed by SIGSEGV" (whether it could still report that itself or not).
Ended reap(const Child& child);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SPAWN_H_
