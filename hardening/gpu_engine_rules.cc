// The engine with a GPU: the CPU engine's list and what the CUDA driver's user-mode half asks for.
//
// ioctl numbers follow the allow-list of gVisor's nvproxy (compute and utility): the front-end's
// are _IOC('F', number, size), of which the driver reads number and size; sizes belong to a driver
// version and are its to check, so a rule compares type and number. UVM's are plain numbers. UVM's
// tools calls (62, 63: reading and writing other processes' memory) are left out.
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include <csignal>

#include "hardening/engine_rules.h"
#include "hardening/gpu_rules.h"

namespace hardening {
namespace {

constexpr std::uint32_t kReadWrite = PROT_READ | PROT_WRITE;

constexpr SyscallRule front_end(std::uint32_t number, std::string_view why) {
  constexpr std::uint64_t kTypeAndNumber = 0xFFFF;
  return allow(SYS_ioctl, {ArgumentCheck{1, kTypeAndNumber, (std::uint32_t{'F'} << 8) | number}},
               why);
}
constexpr SyscallRule uvm(std::uint32_t number, std::string_view why) {
  return allow(SYS_ioctl, {equals(1, number)}, why);
}

const SyscallRule kFrontEnd[] = {
    front_end(200, "NV_ESC_CARD_INFO"),
    front_end(201, "NV_ESC_REGISTER_FD"),
    front_end(206, "NV_ESC_ALLOC_OS_EVENT"),
    front_end(207, "NV_ESC_FREE_OS_EVENT"),
    front_end(210, "NV_ESC_CHECK_VERSION_STR"),
    front_end(212, "NV_ESC_ATTACH_GPUS_TO_FD"),
    front_end(214, "NV_ESC_SYS_PARAMS"),
    front_end(218, "NV_ESC_WAIT_OPEN_COMPLETE"),
    front_end(0x27, "NV_ESC_RM_ALLOC_MEMORY"),
    front_end(0x29, "NV_ESC_RM_FREE"),
    front_end(0x2a, "NV_ESC_RM_CONTROL"),
    front_end(0x2b, "NV_ESC_RM_ALLOC"),
    front_end(0x34, "NV_ESC_RM_DUP_OBJECT"),
    front_end(0x35, "NV_ESC_RM_SHARE"),
    front_end(0x4a, "NV_ESC_RM_VID_HEAP_CONTROL"),
    front_end(0x4e, "NV_ESC_RM_MAP_MEMORY"),
    front_end(0x4f, "NV_ESC_RM_UNMAP_MEMORY"),
    front_end(0x5e, "NV_ESC_RM_UPDATE_DEVICE_MAPPING_INFO"),
};

const SyscallRule kUnifiedMemory[] = {
    uvm(0x30000001, "UVM_INITIALIZE"),
    uvm(0x30000002, "UVM_DEINITIALIZE"),
    uvm(23, "UVM_CREATE_RANGE_GROUP"),
    uvm(24, "UVM_DESTROY_RANGE_GROUP"),
    uvm(25, "UVM_REGISTER_GPU_VASPACE"),
    uvm(26, "UVM_UNREGISTER_GPU_VASPACE"),
    uvm(27, "UVM_REGISTER_CHANNEL"),
    uvm(28, "UVM_UNREGISTER_CHANNEL"),
    uvm(29, "UVM_ENABLE_PEER_ACCESS"),
    uvm(30, "UVM_DISABLE_PEER_ACCESS"),
    uvm(31, "UVM_SET_RANGE_GROUP"),
    uvm(33, "UVM_MAP_EXTERNAL_ALLOCATION"),
    uvm(34, "UVM_FREE"),
    uvm(37, "UVM_REGISTER_GPU"),
    uvm(38, "UVM_UNREGISTER_GPU"),
    uvm(39, "UVM_PAGEABLE_MEM_ACCESS"),
    uvm(42, "UVM_SET_PREFERRED_LOCATION"),
    uvm(43, "UVM_UNSET_PREFERRED_LOCATION"),
    uvm(44, "UVM_ENABLE_READ_DUPLICATION"),
    uvm(45, "UVM_DISABLE_READ_DUPLICATION"),
    uvm(46, "UVM_SET_ACCESSED_BY"),
    uvm(47, "UVM_UNSET_ACCESSED_BY"),
    uvm(51, "UVM_MIGRATE"),
    uvm(53, "UVM_MIGRATE_RANGE_GROUP"),
    uvm(65, "UVM_MAP_DYNAMIC_PARALLELISM_REGION"),
    uvm(66, "UVM_UNMAP_EXTERNAL"),
    uvm(68, "UVM_ALLOC_SEMAPHORE_POOL"),
    uvm(72, "UVM_VALIDATE_VA_RANGE"),
    uvm(73, "UVM_CREATE_EXTERNAL_RANGE"),
    uvm(75, "UVM_MM_INITIALIZE"),
};

// The driver maps device memory at addresses it reserved before.
constexpr std::uint32_t kFixed = MAP_FIXED | MAP_FIXED_NOREPLACE;
const SyscallRule kUsesDevice[] = {
    allow(SYS_mmap, {bits(2, 0, kReadWrite), bits(3, MAP_SHARED, kFixed | MAP_POPULATE)},
          "registers and memory of the device"),
    allow(SYS_mmap,
          {bits(2, 0, kReadWrite),
           bits(3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, MAP_NORESERVE | MAP_POPULATE)},
          "address ranges of the driver's own"),
    allow(SYS_madvise, {equals(2, MADV_DONTFORK)}, "pinned memory"),
    allow(SYS_mlock, "pinned memory"),
    allow(SYS_munlock, "pinned memory"),
    allow(SYS_memfd_create, {bits(1, 0, MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x8)},
          "driver 570 and later; error 304 without it; 8 is MFD_NOEXEC_SEAL"),
    allow(SYS_ftruncate, "the driver's memfd"),
    allow(SYS_eventfd2, {bits(1, 0, EFD_CLOEXEC | EFD_NONBLOCK)}, "interrupts of the device"),
    allow(SYS_ppoll, "interrupts of the device"),
    allow(SYS_read, "eventfds"),
    allow(SYS_pread64, "the driver's facts in /proc and /sys that are open"),
    allow(SYS_fcntl, {equals(1, F_SETFD)}, "descriptors of the device"),
    allow(SYS_fcntl, {equals(1, F_GETFD)}, "descriptors of the device"),
    allow(SYS_fcntl, {equals(1, F_GETFL)}, "descriptors of the device"),
    allow(SYS_fcntl, {equals(1, F_SETFL)}, "descriptors of the device"),
    allow(SYS_clock_nanosleep, "waiting for the device"),
    allow(SYS_sched_setaffinity, {equals(0, 0)}, "the driver's threads near the device"),
    allow(SYS_mbind, "host memory near the device"),
    allow(SYS_get_mempolicy, "host memory near the device"),
    allow(SYS_prctl, {equals(0, PR_SET_NAME)}, "the driver names its threads"),
    allow(SYS_getrandom, {bits(2, 0, GRND_NONBLOCK)}, "names of contexts"),
    allow(SYS_geteuid, "the driver asks who it is"),
    allow(SYS_sched_getaffinity, "how many processors there are"),
};

// The first cuInit, nvmlInit: opens the devices and the driver's libraries, reads facts, starts
// threads. Paths are Landlock's to check. The linker maps what it found: code is mapped from files
// alone, and not any more after the lock-down.
constexpr std::uint32_t kReadExecute = PROT_READ | PROT_EXEC;
constexpr std::uint32_t kLinked = MAP_FIXED | MAP_DENYWRITE;
const SyscallRule kFindsDriver[] = {
    allow(SYS_openat, "devices and facts; Landlock keeps it to them"),
    allow(SYS_open, "the same"),
    allow(SYS_stat, "whether a device is there"),
    allow(SYS_newfstatat, {equals(3, 0)}, "the same, by another glibc"),
    allow(SYS_readlink, "facts in /sys"),
    allow(SYS_access, "facts in /sys"),
    allow(SYS_getdents64, "facts in /sys"),
    allow(SYS_uname, "the kernel's version"),
    allow(SYS_getuid, "the driver asks who it is"),
    allow(SYS_pipe2, "waking the driver's threads"),
    allow(SYS_pread64, "the driver's facts in /proc and /sys that are open"),
    allow(SYS_mmap, {equals(2, kReadExecute), bits(3, MAP_PRIVATE, kLinked)},
          "code of the driver's libraries, from their files"),
    allow(SYS_mmap, {bits(2, 0, kReadWrite), bits(3, MAP_PRIVATE, kLinked)},
          "data of the driver's libraries, from their files"),
    allow(SYS_mmap, {bits(2, 0, kReadWrite), equals(3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)},
          "data of the driver's libraries that is zero"),
};

// Without a device node the libraries would start the driver's helper (nvidia-modprobe), make the
// node themselves, or ask a daemon: they hear no, and report a device that is not there.
constexpr std::uint32_t kFork = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
const SyscallRule kRefusesDriver[] = {
    refuse(SYS_clone, {equals(0, kFork)}, "the driver's helper, which loads its module"),
    refuse(SYS_vfork, "likewise"),
    refuse(SYS_execve, "likewise"),
    refuse(SYS_mknod, "the driver's libraries make device nodes that are missing"),
    refuse(SYS_mknodat, "likewise"),
    refuse(SYS_chmod, "likewise"),
    refuse(SYS_chown, "likewise"),
    refuse(SYS_socket, "the driver's daemons"),
    refuse(SYS_ioctl, {equals(1, TCGETS)}, "isatty() of a new logger"),
};

}  // namespace

RuleGroup front_end_rules() {
  return kFrontEnd;
}
RuleGroup driver_loading_rules() {
  return kFindsDriver;
}
RuleGroup driver_refusing_rules() {
  return kRefusesDriver;
}

SyscallRules gpu_engine_stage_1() {
  return join({kUsesDevice, kFindsDriver, kFrontEnd, kUnifiedMemory, kRefusesDriver,
               computing_rules(), loading_rules(), packing_rules(), memory_rules(), sharing_rules(),
               thread_end_rules(), ending_rules(), channel_rules(), file_fact_rules(),
               start_thread_rules(), tighten_rules(), refused_rules()});
}

SyscallRules gpu_engine_stage_2() {
  return join({kUsesDevice, kFrontEnd, kUnifiedMemory, kRefusesDriver, computing_rules(),
               memory_rules(), sharing_rules(), thread_end_rules(), ending_rules(), channel_rules(),
               file_fact_rules(), refused_rules()});
}

}  // namespace hardening
