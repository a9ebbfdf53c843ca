// The two roles that write files, each beneath one directory: the auditor its log, from one thread;
// an importer the staging copy of a bundle, with threads beside it that hash and never end.
// Landlock keeps their paths where they belong; neither can make a device, a link or an executable
// file run.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "hardening/rule_parts.h"

namespace hardening {
namespace {

constexpr std::uint32_t kCreate = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
constexpr std::uint32_t kRead = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;

const SyscallRule kWaits[] = {
    allow(SYS_poll, "waiting for messages"),
    allow(SYS_read, "files that are open"),
};

// A log of tiles: files are created under another name and renamed, never opened to be written
// again, never cut. What is removed is what was published in another form, or is too old. Signing
// is Ed25519 and wants no randomness.
const SyscallRule kAppends[] = {
    allow(SYS_openat, {equals(2, kCreate)}, "a new tile, a new journal"),
    allow(SYS_openat, {equals(2, kRead)}, "what was written before"),
    allow(SYS_openat, {equals(2, kRead | O_DIRECTORY)}, "to make a rename durable"),
    allow(SYS_mkdirat, "tiles are in directories of 256"),
    allow(SYS_renameat, "a complete file takes its name at once"),
    allow(SYS_unlinkat, {bits(2, 0, AT_REMOVEDIR)},
          "a journal whose entries are in tiles, partial tiles, what is past its time"),
    allow(SYS_fsync, "an entry is durable before it is acknowledged"),
    allow(SYS_fallocate, {equals(1, FALLOC_FL_KEEP_SIZE)}, "the journal's space, ahead of need"),
};

// A single thread, but OpenSSL does not know.
const SyscallRule kLibraries[] = {
    allow(SYS_futex, {bits(1, FUTEX_WAKE, FUTEX_PRIVATE_FLAG)},
          "OpenSSL does each thing for the first time once"),
};

// What a former auditor left is looked through once.
const SyscallRule kListsLog[] = {
    allow(SYS_getdents64, "which tiles, journals and sealed texts there are"),
    allow(SYS_fcntl, {equals(1, F_GETFL)}, "fdopendir()"),
    allow(SYS_fcntl, {equals(1, F_SETFD)}, "fdopendir()"),
    allow(SYS_fcntl, {equals(1, F_SETFD), equals(2, FD_CLOEXEC)}, "fdopendir()"),
    allow(SYS_umask, "what it writes is not for others"),
    allow(SYS_mlock, "the text of the key, as long as it is read or made"),
    allow(SYS_madvise, {equals(2, MADV_DONTDUMP)}, "likewise"),
    allow(SYS_madvise, {equals(2, MADV_WIPEONFORK)}, "likewise"),
    allow(SYS_futex, {equals(1, FUTEX_WAKE_PRIVATE)}, "one-time initialisations of OpenSSL's"),
};

// Reads a bundle by position, creates files that were not there or goes on with one, and names it
// when it is complete. What lies on the medium is listed before the lock-down, with the names
// alone.
constexpr std::uint32_t kReadNow = kRead | O_NONBLOCK;
constexpr std::uint32_t kContinue = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
constexpr std::uint32_t kLook = O_PATH | O_CLOEXEC | O_NOFOLLOW;
const SyscallRule kStages[] = {
    allow(SYS_openat, {equals(2, kReadNow)}, "a file of the medium, or one that is staged"),
    allow(SYS_openat, {equals(2, kRead | O_DIRECTORY)}, "a directory of the medium; the staging's"),
    allow(SYS_openat, {equals(2, kCreate)}, "a staged file"),
    allow(SYS_openat, {equals(2, kContinue)}, "a staged file that an earlier import began"),
    allow(SYS_openat, {equals(2, kLook)}, "whether an object is there, and its size"),
    allow(SYS_pread64, "the medium, by position"),
    allow(SYS_mkdirat, "the staging directory of this bundle"),
    allow(SYS_renameat, "a file that is complete takes its name at once"),
    allow(SYS_fsync, "complete before it is named"),
    allow(SYS_getrandom, {bits(2, 0, GRND_NONBLOCK)}, "verifying signatures"),
    allow(SYS_mmap, {equals(2, PROT_READ), equals(3, MAP_PRIVATE)},
          "looking through a staged file before it is reported"),
};

const SyscallRule kListsMedium[] = {
    allow(SYS_getdents64, "which files the medium holds"),
    allow(SYS_newfstatat, {equals(3, AT_SYMLINK_NOFOLLOW)}, "what kind of file each is"),
    allow(SYS_fstatfs, "how much space there is"),
    allow(SYS_read, "the list of a bundle's parts"),
};

const SyscallRule kStartsAlone[] = {
    allow(SYS_lseek, "the configuration's memfd"),
    allow(SYS_sysinfo, "how much memory there is"),
};

}  // namespace

SyscallRules auditor_stage_1() {
  return join({kWaits, kAppends, kLibraries, kListsLog, kStartsAlone, memory_rules(),
               ending_rules(), channel_rules(), file_fact_rules(), tighten_rules(),
               refused_rules()});
}

SyscallRules auditor_stage_2() {
  return join({kWaits, kAppends, kLibraries, memory_rules(), ending_rules(), channel_rules(),
               file_fact_rules(), refused_rules()});
}

SyscallRules importer_stage_1() {
  return join({kListsMedium, kStages, kStartsAlone, memory_rules(), start_thread_rules(),
               sharing_rules(), ending_rules(), channel_rules(), file_fact_rules(), tighten_rules(),
               refused_rules()});
}

SyscallRules importer_stage_2() {
  return join({kStages, memory_rules(), sharing_rules(), ending_rules(), channel_rules(),
               file_fact_rules(), refused_rules()});
}

}  // namespace hardening
