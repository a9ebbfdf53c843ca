// The single steps by which a process gives up privileges. Each says in its Status whether it
// worked; sandbox.cc decides the order and what may be skipped.
#ifndef HARDENING_PRIVILEGES_H_
#define HARDENING_PRIVILEGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace hardening {

// Closes every descriptor from `first` on.
base::Status close_descriptors_from(int first);

// Soft and hard limit; never raises either. `resource` is an RLIMIT_ constant.
base::Status lower_limit(int resource, std::uint64_t value);

// No supplementary groups, all three uids and gids. Requires root; verifies that there is no way
// back.
base::Status take_identity(Identity identity);

// Effective, permitted, inheritable, ambient and bounding sets become empty.
base::Status drop_capabilities();

base::Status set_no_new_privs();

// Neither traceable by the same user nor dumped.
base::Status set_not_dumpable();

// The kernel kills us when the parent ends. Changing identity clears this, so it comes after.
base::Status die_with_parent();

// Enters new namespaces: network (nothing in it, not even lo up), IPC, UTS and mount; through a new
// user namespace when `through_user_namespace`. Appends the names of those entered. kDenied when
// this kernel or container does not allow it.
base::Status enter_namespaces(bool through_user_namespace, std::vector<std::string>& entered);

}  // namespace hardening

#endif  // HARDENING_PRIVILEGES_H_
