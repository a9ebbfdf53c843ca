// What a role may still do, as a value. hardening/SANDBOX.md explains each entry.
#ifndef HARDENING_POLICY_H_
#define HARDENING_POLICY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/syscall_rules.h"

namespace hardening {

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct Policy {
  std::string_view role;               // a literal
  int fd_count = 3;                    // descriptors [0, fd_count) stay open, the rest are closed
  std::uint64_t open_files_max = 256;  // RLIMIT_NOFILE
  Identity identity;                   // taken when the process starts as root
  int readable_directory =
      -1;  // Landlock: a directory descriptor beneath which files may be read; -1: none
  std::vector<SyscallRule> stage_1;  // empty: no list until lock_down()
  std::vector<SyscallRule> stage_2;
};

// Faces the network: serves connections on sockets it was handed, opens nothing.
Policy gateway_policy(Identity identity, int fd_count, std::uint64_t open_files_max);

// Parses model files below `model_directory` while loading, then only computes.
Policy engine_policy(Identity identity, int fd_count, int model_directory);

}  // namespace hardening

#endif  // HARDENING_POLICY_H_
