// What a role may still do, as a value. hardening/SANDBOX.md explains each entry.
//
// A policy comes from the factory of its role. It can be made tighter by anyone; looser only with a
// Loosening, a token that only its named factories make (loosening.h), and which is then told in
// the report.
#ifndef HARDENING_POLICY_H_
#define HARDENING_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/device_paths.h"
#include "hardening/loosening.h"
#include "hardening/syscall_rules.h"

namespace hardening {

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// RLIMIT_FSIZE, which also limits what grows in memory: tmpfs files and memfds.
enum class FileGrowth : std::uint8_t { kNever, kUntilLockDown, kAlways };

enum class Stage : std::uint8_t { kLoading, kLockedDown };

struct PolicyFacts {
  std::string_view role;               // a literal
  int fd_count = 3;                    // descriptors [0, fd_count) stay open, the rest are closed
  std::uint64_t open_files_max = 256;  // RLIMIT_NOFILE
  Identity identity;                   // taken where the process may change its user
  int readable_directory = -1;         // Landlock: files beneath it may be read; -1: none
  int stored_directory = -1;           // likewise: what there is already
  int writable_directory = -1;  // Landlock: files beneath it may be read, made, renamed and removed
  DevicePaths paths = {};       // Landlock: these too, and the system's root is kept
  bool keeps_root = false;
  FileGrowth file_growth = FileGrowth::kNever;
  SyscallRules stage_1;
  SyscallRules stage_2;
};

class Policy {
 public:
  const PolicyFacts& facts() const { return facts_; }
  bool skips(Step step) const { return skipped_.contains(step); }
  // What was loosened, and for what; empty in a service.
  const std::vector<std::string>& loosened_texts() const { return loosened_; }

  // The same with rule number `index` of the stage's list gone.
  Policy without_rule(Stage stage, std::size_t index) const;

  Policy loosened(const Loosening& loosening) const;

 private:
  explicit Policy(PolicyFacts facts) : facts_(std::move(facts)) {}
  friend Policy gateway_policy(Identity, int, std::uint64_t);
  friend Policy engine_policy(Identity, int, int);
  friend Policy gpu_engine_policy(Identity, int, int, DevicePaths);
  friend Policy health_policy(Identity, int, DevicePaths);
  friend Policy auditor_policy(Identity, int, int);
  friend Policy importer_policy(Identity, int, int, int, int);

  PolicyFacts facts_;
  StepSet skipped_;
  std::vector<std::string> loosened_;
};

// Faces the network: serves connections on sockets it was handed, opens nothing.
Policy gateway_policy(Identity identity, int fd_count, std::uint64_t open_files_max);

// Parses model files below `model_directory` while loading, then only computes.
Policy engine_policy(Identity identity, int fd_count, int model_directory);
Policy gpu_engine_policy(Identity identity, int fd_count, int model_directory,
                         DevicePaths paths = {});

// Asks the GPUs at `paths` how they are, and nothing else.
Policy health_policy(Identity identity, int fd_count, DevicePaths paths = {});

// Appends to the log below `log_directory`.
Policy auditor_policy(Identity identity, int fd_count, int log_directory);

// Parses one bundle, which stands below `bundle_directory` where it is not one open file (-1), and
// creates its files below `staging_directory`. What the store has already, below
// `objects_directory`, it hashes instead of copying it.
Policy importer_policy(Identity identity, int fd_count, int staging_directory,
                       int bundle_directory = -1, int objects_directory = -1);

}  // namespace hardening

#endif  // HARDENING_POLICY_H_
