// The two roles that write files, each beneath one directory and from one thread: the auditor its
// log, an importer the staging copy of a bundle. Landlock keeps their paths where they belong;
// neither can make a device, a link or an executable file run.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "hardening/rule_parts.h"

namespace hardening {
namespace {

constexpr std::uint32_t kCreate = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
constexpr std::uint32_t kAppend = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
constexpr std::uint32_t kRead = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;

const SyscallRule kWaits[] = {
    allow(SYS_poll, "waiting for messages"),
    allow(SYS_read, "files that are open"),
};

// A log of tiles: files are created under another name and renamed, or appended to; never cut.
const SyscallRule kAppends[] = {
    allow(SYS_openat, {equals(2, kCreate)}, "a new tile"),
    allow(SYS_openat, {equals(2, kAppend)}, "the entries being collected"),
    allow(SYS_openat, {equals(2, kRead)}, "what a former auditor wrote"),
    allow(SYS_openat, {equals(2, kRead | O_DIRECTORY)}, "to make a rename durable"),
    allow(SYS_mkdirat, "tiles are in directories of 256"),
    allow(SYS_renameat, "a complete file takes its name at once"),
    allow(SYS_fsync, "an entry is durable before it is acknowledged"),
    allow(SYS_getrandom, {bits(2, 0, GRND_NONBLOCK)}, "signing checkpoints"),
};

// Reads one descriptor from its start to its end, creates files that were not there, and no more.
const SyscallRule kStages[] = {
    allow(SYS_openat, {equals(2, kCreate)}, "a file of the bundle"),
    allow(SYS_openat, {equals(2, kRead | O_DIRECTORY)}, "to make new names durable"),
    allow(SYS_mkdirat, "a directory of the bundle"),
    allow(SYS_fsync, "complete before it is reported"),
};

const SyscallRule kStartsAlone[] = {
    allow(SYS_lseek, "the configuration's memfd"),
    allow(SYS_sysinfo, "how much memory there is"),
};

}  // namespace

SyscallRules auditor_stage_1() {
  return join({kWaits, kAppends, kStartsAlone, memory_rules(), ending_rules(), channel_rules(),
               file_fact_rules(), tighten_rules(), refused_rules()});
}

SyscallRules auditor_stage_2() {
  return join({kWaits, kAppends, memory_rules(), ending_rules(), channel_rules(), file_fact_rules(),
               refused_rules()});
}

SyscallRules importer_stage_1() {
  return join({kWaits, kStages, kStartsAlone, memory_rules(), ending_rules(), channel_rules(),
               file_fact_rules(), tighten_rules(), refused_rules()});
}

SyscallRules importer_stage_2() {
  return join({kWaits, kStages, memory_rules(), ending_rules(), channel_rules(), file_fact_rules(),
               refused_rules()});
}

}  // namespace hardening
