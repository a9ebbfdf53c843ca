// Landlock: file system (and from ABI 4 TCP, from ABI 6 signal and abstract socket) rights given up
// for good.
//
// Rights follow the kernel's documentation (userspace-api/landlock); the constants are our own,
// since the headers of the oldest system we build on stop at ABI 2.
#ifndef HARDENING_LANDLOCK_H_
#define HARDENING_LANDLOCK_H_

#include "hardening/base/result.h"

namespace hardening {

// The ABI this kernel offers; 0 when it has none or it is switched off.
int landlock_abi();

// Gives up every right the ABI knows, except reading files beneath `readable_directory` (a
// descriptor; -1: nothing at all). Binds the calling thread and what it starts later, so it is
// called before the first thread. Requires no_new_privs. Descriptors that are open keep their
// rights.
base::Status restrict_with_landlock(int abi, int readable_directory);

}  // namespace hardening

#endif  // HARDENING_LANDLOCK_H_
