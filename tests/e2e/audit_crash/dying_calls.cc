// System headers would declare these functions with attributes that the definitions cannot match:
// they are declared here.
#include "tests/e2e/audit_crash/dying_calls.h"

#include <asm/unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>

extern "C" long syscall(long number, ...);

namespace audit_crash {
namespace {

DeathPlan* plan = nullptr;

constexpr int kCreates = 0100;  // O_CREAT
constexpr int kStandardError = 2;

[[noreturn]] void end_process() {
  for (;;) ::syscall(__NR_exit_group, kDied);
}

// The call counts. When it is the last, `make_half` may do a part of it first.
template <typename Call, typename Half>
long change(Call call, Half make_half) {
  if (plan == nullptr) return call();
  if (plan->calls.fetch_add(1) + 1 != plan->last) return call();
  if (plan->death == Death::kHalfway) make_half();
  if (plan->death == Death::kAfter) (void)call();
  end_process();
}

template <typename Call>
long change(Call call) {
  return change(call, [] {});
}

}  // namespace

void die_by(DeathPlan* to_come) {
  plan = to_come;
}

}  // namespace audit_crash

using audit_crash::change;

extern "C" {

long write(int fd, const void* bytes, std::size_t count) {
  if (fd <= audit_crash::kStandardError) return ::syscall(__NR_write, fd, bytes, count);
  return change([&] { return ::syscall(__NR_write, fd, bytes, count); },
                [&] { (void)::syscall(__NR_write, fd, bytes, count / 2); });
}
int fsync(int fd) {
  return static_cast<int>(change([&] { return ::syscall(__NR_fsync, fd); }));
}
int fdatasync(int fd) {
  return static_cast<int>(change([&] { return ::syscall(__NR_fdatasync, fd); }));
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  return static_cast<int>(
      change([&] { return ::syscall(__NR_renameat, from_directory, from, to_directory, to); }));
}
int mkdirat(int directory, const char* path, unsigned mode) {
  return static_cast<int>(change([&] { return ::syscall(__NR_mkdirat, directory, path, mode); }));
}
int unlinkat(int directory, const char* path, int flags) {
  return static_cast<int>(change([&] { return ::syscall(__NR_unlinkat, directory, path, flags); }));
}
int fallocate(int fd, int mode, long offset, long bytes) {
  return static_cast<int>(
      change([&] { return ::syscall(__NR_fallocate, fd, mode, offset, bytes); }));
}
int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const unsigned mode = va_arg(more, unsigned);
  va_end(more);
  const auto open = [&] { return ::syscall(__NR_openat, directory, path, flags, mode); };
  return static_cast<int>((flags & audit_crash::kCreates) != 0 ? change(open) : open());
}

}  // extern "C"
