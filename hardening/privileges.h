// The single steps by which a process gives up privileges. Each says in its Status whether it
// worked; sandbox.cc decides the order and what may be skipped.
#ifndef HARDENING_PRIVILEGES_H_
#define HARDENING_PRIVILEGES_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace hardening {

// Closes every descriptor from `first` on.
base::Status close_descriptors_from(int first);

// Soft and hard limit; never raises either. `resource` is an RLIMIT_ constant.
base::Status lower_limit(int resource, std::uint64_t value);

// Whether all of these (CAP_ constants) are in our effective set.
bool has_capabilities(std::initializer_list<int> capabilities);

// No supplementary groups, all three uids and gids. Requires CAP_SETUID and CAP_SETGID.
base::Status take_identity(Identity identity);

// What exec could give back. Requires CAP_SETPCAP, which root loses with its user: so it comes
// before take_identity(). Without that capability the set stays, and with no_new_privs and no exec
// means nothing.
base::Status drop_bounding_set();

// Effective, permitted, inheritable and ambient sets become empty, and the bounding set where that
// is still possible.
base::Status drop_capabilities();

// An error when root could be had again.
base::Status verify_no_way_back();

base::Status set_no_new_privs();

// Neither traceable by the same user nor dumped.
base::Status set_not_dumpable();

// The kernel kills us when the parent ends. Changing identity clears this, so it comes after.
base::Status die_with_parent();

// A user namespace of our own, in which we hold every capability until we drop them.
base::Status enter_user_namespace();

// Enters new namespaces, each as far as this kernel or container lets us: network (nothing in it,
// not even lo up), IPC, UTS and mount. Appends the names of those entered, and to `refused` "NAME
// namespace: why". Requires CAP_SYS_ADMIN.
void enter_namespaces(std::vector<std::string>& entered, std::vector<std::string>& refused);

}  // namespace hardening

#endif  // HARDENING_PRIVILEGES_H_
