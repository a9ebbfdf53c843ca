// Which call of which role is to fail, and how many calls there were: a page that the harness
// shares with every process of a service.
//
// Roles have an empty environment and are sandboxed, so nothing can be told to them, and nobody can
// trace them. But a mapping made before main() stays. The page is the file `EXECUTABLE.control`;
// where there is none, nothing fails.
//
// All calls of a kind can fail from some moment to another, as those of a broken disk do.
//
// A call can also be the last one of everybody: the process ends before it is made, without a word,
// and every other one at its own next call. So the disk is left as a power loss leaves it.
#ifndef TESTS_E2E_FAILING_REDOUBT_FAILURE_PLAN_H_
#define TESTS_E2E_FAILING_REDOUBT_FAILURE_PLAN_H_

#include <cstdint>

namespace failing {

enum class Role : std::uint32_t {
  kSupervisor,
  kGateway,
  kEngine,
  kCommand,
  kImporter,
  kAuditor,
  kCount
};

// Every call that can be made to fail. malloc stands for all of its family; open, openat and so on
// likewise. `change` stands for every call that changes what is on a disk, in their common order.
#define FAILING_CALLS(X)                                                                         \
  X(malloc)                                                                                      \
  X(open)                                                                                        \
  X(read)                                                                                        \
  X(pread)                                                                                       \
  X(write) X(fsync) X(ftruncate) X(rename) X(mkdir) X(fstat) X(mmap) X(mprotect) X(memfd_create) \
      X(socket) X(socketpair) X(bind) X(listen) X(accept4) X(setsockopt) X(send) X(recv)         \
          X(sendmsg) X(recvmsg) X(epoll_create1) X(epoll_ctl) X(epoll_wait) X(poll) X(eventfd)   \
              X(signalfd) X(fcntl) X(getrandom) X(pthread_create) X(clone) X(execveat) X(unlink) \
                  X(chmod) X(change) X(fallocate)

enum class Call : std::uint32_t {
#define FAILING_NAME(name) k_##name,
  FAILING_CALLS(FAILING_NAME)
#undef FAILING_NAME
      kCount
};

// Counts the call. True when it is the one that is to fail, with errno set; once in all processes
// together.
bool fails(Call call);
// The same for a call that changes what is on a disk: it counts as `change` too.
bool change_fails(Call call);
// Whether the role has files to write at all; others may not even ask what a descriptor is.
bool writes_files();

// A system call past the functions that this executable replaces; -1 and errno as ever.
long call_kernel(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0);

}  // namespace failing

#endif  // TESTS_E2E_FAILING_REDOUBT_FAILURE_PLAN_H_
