// The system's functions as everybody in the process finds them. What does not fail is the kernel's
// own, asked as glibc asks it, so that the sandbox sees the calls it knows. They are declared here
// and not in system headers, whose attributes (fortification above all) they could not match.
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <asm/unistd.h>
#include <dlfcn.h>

#include "tests/e2e/failing_redoubt/failure_plan.h"

using failing::Call;
using failing::call_kernel;
using failing::change_fails;
using failing::fails;

namespace {

constexpr long kAtCurrentDirectory = -100;  // AT_FDCWD
constexpr long kAtEmptyPath = 0x1000;       // AT_EMPTY_PATH
constexpr long kKernelSignalBytes = 8;
constexpr int kEpollAdd = 1;  // EPOLL_CTL_ADD

template <typename T>
long word(T value) {
  if constexpr (sizeof(T) == sizeof(long)) {
    return (long)value;
  } else {
    return static_cast<long>(value);
  }
}

template <typename... Words>
long call(Call which, long number, Words... words) {
  return fails(which) ? -1 : call_kernel(number, word(words)...);
}

// A disk is changed by what creates, cuts or writes its files; sockets, pipes and memory are none.
constexpr int kCreates = 0100 | 01000;  // O_CREAT, O_TRUNC
constexpr unsigned kTypeMask = 0170000;
constexpr unsigned kRegularFile = 0100000;

bool is_regular_file(int fd) {
  struct {
    unsigned long dev, ino, nlink;
    unsigned mode, rest[29];
  } facts{};
  static_assert(sizeof facts == 144, "struct stat of x86-64");
  const int before = errno;
  const long got = call_kernel(__NR_newfstatat, fd, word(""), word(&facts), kAtEmptyPath);
  errno = before;
  return got == 0 && (facts.mode & kTypeMask) == kRegularFile && facts.nlink != 0;
}

template <typename... Words>
long change(Call which, long number, Words... words) {
  return change_fails(which) ? -1 : call_kernel(number, word(words)...);
}

long open_file(int directory, const char* path, int flags, unsigned mode) {
  const bool failed = (flags & kCreates) != 0 ? change_fails(Call::k_open) : fails(Call::k_open);
  return failed ? -1 : call_kernel(__NR_openat, directory, word(path), flags, mode);
}

}  // namespace

struct pthread_attr;
struct stat;
struct sockaddr;
struct msghdr;
struct epoll_event;
struct pollfd;
struct sigset;

#define AS_INT(expression) return static_cast<int>(expression)

extern "C" {

// ---- files

int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const unsigned mode = va_arg(more, unsigned);
  va_end(more);
  AS_INT(open_file(directory, path, flags, mode));
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const unsigned mode = va_arg(more, unsigned);
  va_end(more);
  AS_INT(open_file(kAtCurrentDirectory, path, flags, mode));
}
int open64(const char*, int, ...) __attribute__((alias("open")));
int openat64(int, const char*, int, ...) __attribute__((alias("openat")));
long read(int fd, void* bytes, std::size_t count) {
  return call(Call::k_read, __NR_read, fd, bytes, count);
}
long __read_chk(int fd, void* bytes, std::size_t count, std::size_t room) {
  if (count > room) std::abort();
  return read(fd, bytes, count);
}
long pread(int fd, void* bytes, std::size_t count, long offset) {
  return call(Call::k_pread, __NR_pread64, fd, bytes, count, offset);
}
long pread64(int, void*, std::size_t, long) __attribute__((alias("pread")));
long write(int fd, const void* bytes, std::size_t count) {
  return failing::writes_files() && is_regular_file(fd)
             ? change(Call::k_write, __NR_write, fd, bytes, count)
             : call(Call::k_write, __NR_write, fd, bytes, count);
}
int fsync(int fd) {
  AS_INT(change(Call::k_fsync, __NR_fsync, fd));
}
int fdatasync(int fd) {
  AS_INT(change(Call::k_fsync, __NR_fdatasync, fd));
}
int fallocate(int fd, int mode, long offset, long bytes) {
  AS_INT(change(Call::k_fallocate, __NR_fallocate, fd, mode, offset, bytes));
}
int fallocate64(int, int, long, long) __attribute__((alias("fallocate")));
int ftruncate(int fd, long bytes) {
  AS_INT(change(Call::k_ftruncate, __NR_ftruncate, fd, bytes));
}
int ftruncate64(int, long) __attribute__((alias("ftruncate")));
int rename(const char* from, const char* to) {
  AS_INT(change(Call::k_rename, __NR_rename, from, to));
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  AS_INT(change(Call::k_rename, __NR_renameat, from_directory, from, to_directory, to));
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) {
  AS_INT(change(Call::k_rename, __NR_renameat2, from_directory, from, to_directory, to, flags));
}
int mkdirat(int directory, const char* path, unsigned mode) {
  AS_INT(change(Call::k_mkdir, __NR_mkdirat, directory, path, mode));
}
int mkdir(const char* path, unsigned mode) {
  AS_INT(change(Call::k_mkdir, __NR_mkdir, path, mode));
}
long pwrite(int fd, const void* bytes, std::size_t count, long offset) {
  return change(Call::k_write, __NR_pwrite64, fd, bytes, count, offset);
}
long pwrite64(int, const void*, std::size_t, long) __attribute__((alias("pwrite")));
int unlink(const char* path) {
  AS_INT(change(Call::k_unlink, __NR_unlink, path));
}
int unlinkat(int directory, const char* path, int flags) {
  AS_INT(change(Call::k_unlink, __NR_unlinkat, directory, path, flags));
}
int rmdir(const char* path) {
  AS_INT(change(Call::k_unlink, __NR_rmdir, path));
}
int remove(const char* path) {
  constexpr int kIsDirectory = 21;  // EISDIR
  if (unlink(path) == 0) return 0;
  return errno == kIsDirectory ? rmdir(path) : -1;
}
int link(const char* from, const char* to) {
  AS_INT(change(Call::k_rename, __NR_link, from, to));
}
int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  AS_INT(change(Call::k_rename, __NR_linkat, from_directory, from, to_directory, to, flags));
}
int chmod(const char* path, unsigned mode) {
  AS_INT(change(Call::k_chmod, __NR_chmod, path, mode));
}
int fchmod(int fd, unsigned mode) {
  AS_INT(change(Call::k_chmod, __NR_fchmod, fd, mode));
}
int chown(const char* path, unsigned user, unsigned group) {
  AS_INT(change(Call::k_chmod, __NR_chown, path, user, group));
}
int fchown(int fd, unsigned user, unsigned group) {
  AS_INT(change(Call::k_chmod, __NR_fchown, fd, user, group));
}
int fchownat(int directory, const char* path, unsigned user, unsigned group, int flags) {
  AS_INT(change(Call::k_chmod, __NR_fchownat, directory, path, user, group, flags));
}
int fstat(int fd, struct stat* facts) {
  AS_INT(call(Call::k_fstat, __NR_newfstatat, fd, "", facts, kAtEmptyPath));
}
int fstat64(int, struct stat*) __attribute__((alias("fstat")));
int fcntl(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  const long argument = va_arg(more, long);
  va_end(more);
  AS_INT(call(Call::k_fcntl, __NR_fcntl, fd, command, argument));
}
int fcntl64(int, int, ...) __attribute__((alias("fcntl")));

// ---- memory

void* mmap(void* at, std::size_t bytes, int protection, int flags, int fd, long offset) {
  return reinterpret_cast<void*>(
      call(Call::k_mmap, __NR_mmap, at, bytes, protection, flags, fd, offset));
}
void* mmap64(void*, std::size_t, int, int, int, long) __attribute__((alias("mmap")));
int mprotect(void* at, std::size_t bytes, int protection) {
  AS_INT(call(Call::k_mprotect, __NR_mprotect, at, bytes, protection));
}
int memfd_create(const char* name, unsigned flags) {
  AS_INT(call(Call::k_memfd_create, __NR_memfd_create, name, flags));
}

// ---- sockets

int socket(int domain, int type, int protocol) {
  AS_INT(call(Call::k_socket, __NR_socket, domain, type, protocol));
}
int socketpair(int domain, int type, int protocol, int* ends) {
  AS_INT(call(Call::k_socketpair, __NR_socketpair, domain, type, protocol, ends));
}
int bind(int fd, const struct sockaddr* address, unsigned bytes) {
  AS_INT(call(Call::k_bind, __NR_bind, fd, address, bytes));
}
int listen(int fd, int backlog) {
  AS_INT(call(Call::k_listen, __NR_listen, fd, backlog));
}
int accept4(int fd, struct sockaddr* address, unsigned* bytes, int flags) {
  AS_INT(call(Call::k_accept4, __NR_accept4, fd, address, bytes, flags));
}
int setsockopt(int fd, int level, int option, const void* value, unsigned bytes) {
  AS_INT(call(Call::k_setsockopt, __NR_setsockopt, fd, level, option, value, bytes));
}
long send(int fd, const void* bytes, std::size_t count, int flags) {
  return call(Call::k_send, __NR_sendto, fd, bytes, count, flags, 0L, 0L);
}
long recv(int fd, void* bytes, std::size_t count, int flags) {
  return call(Call::k_recv, __NR_recvfrom, fd, bytes, count, flags, 0L, 0L);
}
long __recv_chk(int fd, void* bytes, std::size_t count, std::size_t room, int flags) {
  if (count > room) std::abort();
  return recv(fd, bytes, count, flags);
}
long sendmsg(int fd, const struct msghdr* message, int flags) {
  return call(Call::k_sendmsg, __NR_sendmsg, fd, message, flags);
}
long recvmsg(int fd, struct msghdr* message, int flags) {
  return call(Call::k_recvmsg, __NR_recvmsg, fd, message, flags);
}

// ---- events

int epoll_create1(int flags) {
  AS_INT(call(Call::k_epoll_create1, __NR_epoll_create1, flags));
}
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
  // What is watched already can be changed and removed without any memory.
  if (operation != kEpollAdd)
    AS_INT(call_kernel(__NR_epoll_ctl, epoll, operation, fd, word(event)));
  AS_INT(call(Call::k_epoll_ctl, __NR_epoll_ctl, epoll, operation, fd, event));
}
int epoll_wait(int epoll, struct epoll_event* events, int room, int timeout_ms) {
  AS_INT(call(Call::k_epoll_wait, __NR_epoll_wait, epoll, events, room, timeout_ms));
}
int poll(struct pollfd* waits, unsigned long count, int timeout_ms) {
  AS_INT(call(Call::k_poll, __NR_poll, waits, count, timeout_ms));
}
int eventfd(unsigned value, int flags) {
  AS_INT(call(Call::k_eventfd, __NR_eventfd2, value, flags));
}
int signalfd(int fd, const struct sigset* signals, int flags) {
  AS_INT(call(Call::k_signalfd, __NR_signalfd4, fd, signals, kKernelSignalBytes, flags));
}
long getrandom(void* bytes, std::size_t count, unsigned flags) {
  return call(Call::k_getrandom, __NR_getrandom, bytes, count, flags);
}

// ---- processes and threads

// What glibc has no function for.
long syscall(long number, ...) {
  va_list more;
  va_start(more, number);
  long words[6];
  for (long& one : words) one = va_arg(more, long);
  va_end(more);
  if (number == __NR_openat2) {
    const bool creates = (*reinterpret_cast<const unsigned long*>(words[2]) & kCreates) != 0;
    if (creates ? change_fails(Call::k_open) : fails(Call::k_open)) return -1;
  }
  if (number == __NR_clone && fails(Call::k_clone)) return -1;
  if (number == __NR_execveat && fails(Call::k_execveat)) return -1;
  return call_kernel(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

int pthread_create(unsigned long* out_thread, const struct pthread_attr* attributes,
                   void* (*run)(void*), void* context) {
  using Create = int(unsigned long*, const struct pthread_attr*, void* (*)(void*), void*);
  if (fails(Call::k_pthread_create)) return EAGAIN;
  static Create* const create = reinterpret_cast<Create*>(::dlsym(RTLD_NEXT, "pthread_create"));
  return create(out_thread, attributes, run, context);
}

}  // extern "C"
