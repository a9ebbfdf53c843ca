#include "tests/e2e/failing_redoubt/failure_plan.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unwind.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <string_view>

extern "C" const char __executable_start;
extern "C" const char etext;

namespace failing {
namespace {

constexpr std::size_t kFramesMax = 32;
constexpr std::size_t kRoles = static_cast<std::size_t>(Role::kCount);
constexpr std::size_t kCalls = static_cast<std::size_t>(Call::kCount);
constexpr std::size_t kCallsMax = 48;
constexpr std::int32_t kLastCall = -1;
constexpr std::uint32_t kOnce = 1, kFromNowOn = 2;  // how it is armed; 0: not
constexpr long kPowerLost = 137;                    // the exit status, as a shell tells of SIGKILL
static_assert(kCalls <= kCallsMax);

// tests/e2e/failnth_control.py reads and writes it.
struct ControlPage {
  std::atomic<std::uint32_t> armed;
  std::uint32_t role;
  std::uint32_t call;
  std::int32_t error;    // kLastCall: everybody ends
  std::uint64_t number;  // the first call is 1; over all incarnations of the role
  std::atomic<std::uint32_t> fired;
  std::uint32_t frame_count;
  std::uint64_t fired_ns;            // CLOCK_MONOTONIC
  std::uint64_t frames[kFramesMax];  // who called, innermost first: offsets in the executable, 0
                                     // for a library
  std::atomic<std::uint64_t> calls[kRoles][kCallsMax];
  char names[1'024];  // of the calls, each ended by a space
};
static_assert(offsetof(ControlPage, calls) == 296 && sizeof(ControlPage) <= 4'096);

ControlPage* page = nullptr;
Role role = Role::kCommand;
thread_local bool noting = false;  // the unwinder may allocate

bool is(const char* text, std::string_view wanted) {
  return wanted == text;
}

// From the command line: `redoubt serve …`, `redoubt-gateway role gateway …`.
Role find_role() {
  char text[256] = {};
  const long fd = call_kernel(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/cmdline"),
                              O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Role::kCommand;
  const long got = call_kernel(SYS_read, fd, reinterpret_cast<long>(text), sizeof text - 2);
  call_kernel(SYS_close, fd);
  if (got <= 0) return Role::kCommand;
  const char* const end = text + got;
  const char* const verb = text + std::strlen(text) + 1;
  if (verb >= end) return Role::kCommand;
  if (is(verb, "serve")) return Role::kSupervisor;
  const char* const name = verb + std::strlen(verb) + 1;
  if (!is(verb, "role") || name >= end) return Role::kCommand;
  if (is(name, "importer")) return Role::kImporter;
  if (is(name, "auditor")) return Role::kAuditor;
  return is(name, "gateway") ? Role::kGateway : Role::kEngine;
}

// Of the executable, with `.control` at its end; no byte of it outlives the mapping.
ControlPage* map_page() {
  char path[4'096] = {};
  constexpr std::string_view kSuffix = ".control";
  const long length = call_kernel(SYS_readlink, reinterpret_cast<long>("/proc/self/exe"),
                                  reinterpret_cast<long>(path), sizeof path - kSuffix.size() - 1);
  if (length <= 0) return nullptr;
  std::copy(kSuffix.begin(), kSuffix.end(), path + length);
  const long fd =
      call_kernel(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path), O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  const long mapped = call_kernel(SYS_mmap, 0, 4'096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  call_kernel(SYS_close, fd);
  return mapped == -1 ? nullptr : reinterpret_cast<ControlPage*>(mapped);
}

void write_names() {
  constexpr std::string_view kNames =
#define FAILING_NAME(name) #name " "
      FAILING_CALLS(FAILING_NAME)
#undef FAILING_NAME
      ;
  static_assert(kNames.size() < sizeof ControlPage::names);
  std::copy(kNames.begin(), kNames.end(), page->names);
}

// Before every other constructor of the executable.
[[gnu::constructor(101)]] void begin() {
  const int before = errno;
  role = find_role();
  page = map_page();
  if (page != nullptr) write_names();
  errno = before;
}

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* /*unused*/) {
  if (page->frame_count == kFramesMax) return _URC_END_OF_STACK;
  const std::uint64_t at = _Unwind_GetIP(context);
  const auto start = reinterpret_cast<std::uint64_t>(&__executable_start);
  const bool ours = at >= start && at < reinterpret_cast<std::uint64_t>(&etext);
  page->frames[page->frame_count++] = ours ? at - start : 0;
  return _URC_NO_REASON;
}

void note() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  page->fired_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                   static_cast<std::uint64_t>(now.tv_nsec);
  page->frame_count = 0;
  _Unwind_Backtrace(&note_frame, nullptr);
  page->fired.store(1);
}

// Not by a signal: the first process of a pid namespace would not be ended by its own.
[[noreturn]] void end_process() {
  for (;;) call_kernel(SYS_exit_group, kPowerLost);
}

}  // namespace

bool fails(Call call) {
  if (page == nullptr || noting) return false;
  if (page->fired.load() != 0 && page->error == kLastCall) end_process();
  const auto which = static_cast<std::uint32_t>(call);
  const std::uint64_t number = page->calls[static_cast<std::size_t>(role)][which].fetch_add(1) + 1;
  if (page->armed.load() == 0 || page->role != static_cast<std::uint32_t>(role) ||
      page->call != which)
    return false;
  if (page->armed.load() == kFromNowOn) {
    page->fired.store(1);
    errno = page->error;
    return true;
  }
  if (number != page->number || page->armed.exchange(0) != kOnce) return false;
  noting = true;
  note();
  noting = false;
  if (page->error == kLastCall) end_process();
  errno = page->error;
  return true;
}

bool change_fails(Call call) {
  const bool failed = fails(call);
  return fails(Call::k_change) || failed;
}

bool writes_files() {
  return role != Role::kGateway && role != Role::kEngine;
}

long call_kernel(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
#else
#error "failing_redoubt is written for x86-64 alone"
#endif
  if (result < 0 && result > -4'096) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

}  // namespace failing
