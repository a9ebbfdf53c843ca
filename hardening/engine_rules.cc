// The engine: reads its model beneath one directory while loading, then computes and talks to the
// gateway. With a GPU the driver's user-mode half asks for more; that part is gpu_engine_rules.cc.
#include "hardening/engine_rules.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace hardening {
namespace {

constexpr std::uint32_t kReadWrite = PROT_READ | PROT_WRITE;
constexpr std::uint32_t kRequestTiles = 0x1023;  // ARCH_REQ_XCOMP_PERM of asm/prctl.h

const SyscallRule kComputes[] = {
    allow(SYS_poll, "waiting for messages"),
    allow(SYS_sched_yield, "worker threads wait a moment before they sleep"),
};

const SyscallRule kLoads[] = {
    allow(SYS_openat2, "model files; Landlock keeps it beneath their directory"),
    allow(SYS_sched_getaffinity, "how many threads to start"),
    allow(SYS_sysinfo, "how much memory there is to plan with"),
    allow(SYS_madvise, {equals(2, MADV_HUGEPAGE)}, "weights in large pages"),
    allow(SYS_arch_prctl, {equals(0, kRequestTiles)}, "the tile registers of AMX"),
};

// Packed weights live in a sealed memfd that the supervisor keeps for the next engine; the progress
// page is another, which it was handed. Their mappings outlive lock_down().
constexpr std::uint32_t kNoExecSeal = 0x8;  // MFD_NOEXEC_SEAL, Linux 6.3
constexpr std::uint32_t kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr std::uint32_t kMadviseCollapse = 25;  // Linux 6.1
const SyscallRule kPacksWeights[] = {
    allow(SYS_memfd_create, {bits(1, MFD_CLOEXEC | MFD_ALLOW_SEALING, kNoExecSeal)},
          "packed weights"),
    allow(SYS_prlimit64, {equals(0, 0), equals(1, RLIMIT_FSIZE)}, "lock_down() ends growth"),
    allow(SYS_ftruncate, "the size of packed weights; RLIMIT_FSIZE ends it at lock_down()"),
    allow(SYS_fcntl, {equals(1, F_ADD_SEALS), equals(2, kSeals)},
          "packed weights are final: all seals or none"),
    allow(SYS_fcntl, {equals(1, F_GET_SEALS)}, "what a former engine left is final too"),
    allow(SYS_mmap, {bits(2, 0, kReadWrite), equals(3, MAP_SHARED)},
          "weights while they are packed, the progress page"),
    allow(SYS_mmap, {equals(2, PROT_READ), equals(3, MAP_PRIVATE | MAP_POPULATE)},
          "weights that are packed"),
    allow(SYS_madvise, {equals(2, kMadviseCollapse)}, "weights in large pages"),
};

}  // namespace

RuleGroup computing_rules() {
  return kComputes;
}
RuleGroup loading_rules() {
  return kLoads;
}
RuleGroup packing_rules() {
  return kPacksWeights;
}

SyscallRules engine_stage_1() {
  return join({kComputes, kLoads, kPacksWeights, memory_rules(), sharing_rules(),
               thread_end_rules(), ending_rules(), channel_rules(), file_fact_rules(),
               start_thread_rules(), tighten_rules(), refused_rules()});
}

SyscallRules engine_stage_2() {
  return join({kComputes, memory_rules(), sharing_rules(), thread_end_rules(), ending_rules(),
               channel_rules(), refused_rules()});
}

}  // namespace hardening
