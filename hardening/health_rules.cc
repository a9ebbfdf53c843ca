// The role that asks GPUs how they are: the driver's management library (NVML) in a process of its
// own, since a call of it may hang as long as a GPU is sick, and computes nothing.
//
// A GPU is opened when it is first asked for, and facts are read when they are asked for, after the
// lock-down too: openat() stays, and Landlock keeps it to the devices and facts of device_paths.h.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include "hardening/gpu_rules.h"

namespace hardening {
namespace {

constexpr std::uint32_t kReadWrite = PROT_READ | PROT_WRITE;

const SyscallRule kAsks[] = {
    allow(SYS_poll, "waiting for messages and for events of the driver"),
    allow(SYS_ppoll, "waiting for events of the driver"),
    allow(SYS_read, "facts that are open, eventfds"),
    allow(SYS_pread64, "the driver's facts in /proc and /sys that are open"),
    allow(SYS_lseek, "facts that are read again"),
    allow(SYS_openat, "devices and facts; Landlock keeps it to them"),
    allow(SYS_newfstatat, {equals(3, 0)}, "whether a device is there"),
    allow(SYS_access, "facts in /sys"),
    allow(SYS_readlink, "facts in /sys"),
    allow(SYS_mmap, {bits(2, 0, kReadWrite), equals(3, MAP_SHARED)},
          "readings that the driver shares with those who ask often"),
    allow(SYS_eventfd2, "waking the thread that waits for events"),
    allow(SYS_fcntl, {equals(1, F_SETFD)}, "descriptors of the device"),
    allow(SYS_fcntl, {equals(1, F_GETFD)}, "descriptors of the device"),
    allow(SYS_fcntl, {equals(1, F_GETFL)}, "descriptors of the device"),
    allow(SYS_fcntl, {equals(1, F_SETFL)}, "descriptors of the device"),
    allow(SYS_clock_nanosleep, "waiting for the device"),
    allow(SYS_prctl, {equals(0, PR_SET_NAME)}, "threads have names"),
    allow(SYS_getrandom, {bits(2, 0, GRND_NONBLOCK)}, "names of clients of the driver"),
    allow(SYS_geteuid, "the driver asks who it is"),
    allow(SYS_getuid, "the driver asks who it is"),
    allow(SYS_uname, "the kernel's version"),
    allow(SYS_sched_yield, "threads wait a moment before they sleep"),
    allow(SYS_sched_getaffinity, "how many processors there are"),
};

}  // namespace

SyscallRules health_stage_1() {
  return join({kAsks, driver_loading_rules(), front_end_rules(), driver_refusing_rules(),
               memory_rules(), sharing_rules(), thread_end_rules(), ending_rules(), channel_rules(),
               file_fact_rules(), start_thread_rules(), tighten_rules(), refused_rules()});
}

SyscallRules health_stage_2() {
  return join({kAsks, front_end_rules(), driver_refusing_rules(), memory_rules(), sharing_rules(),
               thread_end_rules(), ending_rules(), channel_rules(), file_fact_rules(),
               refused_rules()});
}

}  // namespace hardening
