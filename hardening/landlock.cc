#include "hardening/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "hardening/base/fd.h"

namespace hardening {
namespace {

constexpr long kCreateRuleset = 444;  // the same on every architecture
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr std::uint32_t kVersionFlag = 1;
constexpr int kRulePathBeneath = 1;

constexpr std::uint64_t kWriteFile = 1u << 1;
constexpr std::uint64_t kReadFile = 1u << 2;
constexpr std::uint64_t kReadDirectory = 1u << 3;
constexpr std::uint64_t kRemoveDirectory = 1u << 4;
constexpr std::uint64_t kRemoveFile = 1u << 5;
constexpr std::uint64_t kMakeDirectory = 1u << 7;
constexpr std::uint64_t kMakeRegularFile = 1u << 8;
constexpr std::uint64_t kFileRightsAbi1 = (1u << 13) - 1;
constexpr std::uint64_t kRefer = 1u << 13;                // ABI 2
constexpr std::uint64_t kTruncate = 1u << 14;             // ABI 3
constexpr std::uint64_t kIoctlDevice = 1u << 15;          // ABI 5
constexpr std::uint64_t kResolveUnix = 1u << 16;          // ABI 9: connecting to a named socket
constexpr std::uint64_t kTcpBindAndConnect = 3;           // ABI 4
constexpr std::uint64_t kScopeAbstractUnixAndSignal = 3;  // ABI 6
constexpr std::uint32_t kRestrictAllThreads = 1u << 3;    // ABI 8

struct RulesetAttributes {
  std::uint64_t handled_files;
  std::uint64_t handled_network;
  std::uint64_t scoped;
};

struct __attribute__((packed)) PathBeneathAttributes {
  std::uint64_t allowed;
  std::int32_t parent_fd;
};

RulesetAttributes everything_known_to(int abi) {
  RulesetAttributes rights{kFileRightsAbi1, 0, 0};
  if (abi >= 2) rights.handled_files |= kRefer;
  if (abi >= 3) rights.handled_files |= kTruncate;
  if (abi >= 4) rights.handled_network = kTcpBindAndConnect;
  if (abi >= 5) rights.handled_files |= kIoctlDevice;
  if (abi >= 6) rights.scoped = kScopeAbstractUnixAndSignal;
  if (abi >= 9) rights.handled_files |= kResolveUnix;
  return rights;
}

// A rename removes the old name. Of those who record, unlinkat() is on the auditor's seccomp list
// alone.
constexpr std::uint64_t kRead = kReadFile | kReadDirectory;
constexpr std::uint64_t kRecord =
    kRead | kWriteFile | kRemoveFile | kRemoveDirectory | kMakeDirectory | kMakeRegularFile;

base::Status allow_beneath(const base::Fd& ruleset, int directory, std::uint64_t rights) {
  if (directory < 0) return {};
  const PathBeneathAttributes beneath{rights, directory};
  if (::syscall(kAddRule, ruleset.get(), kRulePathBeneath, &beneath, 0) != 0)
    return base::io_error(errno, "landlock_add_rule");
  return {};
}

// Rights to a file that is none of a directory's are asked for without those of directories.
base::Status allow_path(const base::Fd& ruleset, const std::string& path, std::uint64_t rights) {
  const base::Fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info {};
  if (!place.is_open() || ::fstat(place.get(), &info) != 0) return {};
  const std::uint64_t fitting = S_ISDIR(info.st_mode) ? rights : rights & ~kReadDirectory;
  return std::move(allow_beneath(ruleset, place.get(), fitting)).context(path);
}

base::Status allow_paths(const base::Fd& ruleset, const DevicePaths& paths, std::uint64_t known) {
  for (const std::string& path : paths.readable) TRY(allow_path(ruleset, path, kRead));
  for (const std::string& path : paths.writable) TRY(allow_path(ruleset, path, kRead | kWriteFile));
  const std::uint64_t device = kReadFile | kWriteFile | kIoctlDevice;
  for (const std::string& path : paths.devices) TRY(allow_path(ruleset, path, device & known));
  return {};
}

// An older kernel refuses a longer structure than it knows.
std::size_t attribute_bytes(int abi) {
  if (abi >= 6) return sizeof(RulesetAttributes);
  return abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kVersionFlag);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

base::Status restrict_with_landlock(int abi, LandlockDirectories directories) {
  const RulesetAttributes rights = everything_known_to(abi);
  const long created = ::syscall(kCreateRuleset, &rights, attribute_bytes(abi), 0);
  if (created < 0) return base::io_error(errno, "landlock_create_ruleset");
  const base::Fd ruleset(static_cast<int>(created));
  TRY(allow_beneath(ruleset, directories.readable, kRead));
  TRY(allow_beneath(ruleset, directories.stored, kRead));
  TRY(allow_beneath(ruleset, directories.writable, kRecord));
  if (directories.paths != nullptr)
    TRY(allow_paths(ruleset, *directories.paths, rights.handled_files));
  const std::uint32_t flags = abi >= 8 ? kRestrictAllThreads : 0;
  if (::syscall(kRestrictSelf, ruleset.get(), flags) != 0)
    return base::io_error(errno, "landlock_restrict_self");
  return {};
}

}  // namespace hardening
