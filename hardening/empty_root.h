// A root directory with nothing in it. Paths lead nowhere from then on; descriptors that are open,
// and openat() beneath them, go on working.
#ifndef HARDENING_EMPTY_ROOT_H_
#define HARDENING_EMPTY_ROOT_H_

#include "hardening/base/result.h"

namespace hardening {

// Mounts a read-only tmpfs without entries and makes it the root of a mount namespace that must
// already be our own; the system's mounts are detached from it. Requires CAP_SYS_ADMIN.
base::Status pivot_to_empty_root();

// For kernels and containers that let nobody mount: changes the root to a directory of /proc that
// belonged to a process which has ended, so that it is empty and nobody can reach it. Requires
// CAP_SYS_CHROOT. Weaker: the system's mounts are still there, behind a root that only privileges
// could leave.
base::Status chroot_to_empty_directory();

}  // namespace hardening

#endif  // HARDENING_EMPTY_ROOT_H_
