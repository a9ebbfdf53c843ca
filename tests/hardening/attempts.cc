#include "tests/hardening/attempts.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace hardening {
namespace {

int error_of(long result) {
  return result >= 0 ? 0 : errno;
}

int map(int protection, int flags) {
  return ::mmap(nullptr, 4096, protection, flags, -1, 0) == MAP_FAILED ? errno : 0;
}

template <int (*Call)(int, const sockaddr*, socklen_t)>
int with_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return error_of(Call(2, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

int send_datagram(int fd, const sockaddr* address, socklen_t bytes) {
  return static_cast<int>(::sendto(fd, "x", 1, 0, address, bytes));
}

int read_another_process() {
  char byte = 0;
  iovec here{&byte, 1};
  iovec there{reinterpret_cast<void*>(&read_another_process), 1};
  return error_of(::process_vm_readv(1, &here, 1, &there, 1, 0));
}

int execute_descriptor() {
  char* const none[] = {nullptr};
  return error_of(::syscall(SYS_execveat, 2, "", none, none, AT_EMPTY_PATH));
}

// getpid by the i386 table.
int call_as_i386() {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return 0;
}

const Attempt kAttempts[] = {
    {"read a file", [] { return error_of(::open("/etc/passwd", O_RDONLY | O_CLOEXEC)); }},
    {"read the shadow file",
     [] { return error_of(::openat(AT_FDCWD, "/etc/shadow", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)); }},
    {"create a file",
     [] { return error_of(::open("/tmp/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }},
    {"list the root", [] { return error_of(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }},
    {"remove a file", [] { return error_of(::unlink("/etc/passwd")); }},
    {"link a file", [] { return error_of(::symlink("/etc/passwd", "/tmp/x")); }},
    {"make a device", [] { return error_of(::mknod("/dev/x", S_IFCHR | 0600, 0x103)); }},
    {"change a mode", [] { return error_of(::chmod("/etc/passwd", 0777)); }},
    {"open a TCP socket",
     [] { return error_of(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }},
    {"open a UDP socket",
     [] { return error_of(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }},
    {"open a UNIX socket",
     [] { return error_of(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }},
    {"open a netlink socket",
     [] { return error_of(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)); }},
    {"make a pair of sockets",
     [] {
       int ends[2];
       return error_of(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
     }},
    {"connect out", with_address<&::connect>},
    {"bind a port", with_address<&::bind>},
    {"send a datagram", with_address<&send_datagram>},
    {"listen", [] { return error_of(::listen(2, 1)); }},
    {"execute", [] { return error_of(::execl("/bin/true", "true", nullptr)); }},
    {"execute a descriptor", execute_descriptor},
    {"run a shell", [] { return std::system("true"); }},  // NOLINT
    {"fork", [] { return error_of(::fork()); }},
    {"fork as vfork does",
     [] { return error_of(::syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)); }},
    {"trace the parent", [] { return error_of(::ptrace(PTRACE_ATTACH, ::getppid(), 0, 0)); }},
    {"read another process", read_another_process},
    {"take another's descriptor", [] { return error_of(::syscall(SYS_pidfd_open, 1, 0)); }},
    {"signal init", [] { return error_of(::kill(1, SIGTERM)); }},
    {"signal another thread", [] { return error_of(::syscall(SYS_tgkill, 1 << 21, 1, SIGABRT)); }},
    {"mount", [] { return error_of(::mount("none", "/", "tmpfs", 0, "")); }},
    {"change the root", [] { return error_of(::chroot("/")); }},
    {"unshare", [] { return error_of(::unshare(CLONE_NEWUSER)); }},
    {"join a namespace", [] { return error_of(::setns(2, 0)); }},
    {"become root", [] { return error_of(::setuid(0)); }},
    {"map executable memory",
     [] { return map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS); }},
    {"map at a chosen address",
     [] { return map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN); }},
    {"make memory executable",
     [] {
       void* page =
           ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return error_of(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
     }},
    {"make an executable memfd", [] { return error_of(::memfd_create("x", 0x10)); }},
    {"change the personality", [] { return error_of(::personality(ADDR_NO_RANDOMIZE)); }},
    {"io_uring", [] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); }},
    {"bpf", [] { return error_of(::syscall(SYS_bpf, 0, nullptr, 0)); }},
    {"keyctl", [] { return error_of(::syscall(SYS_keyctl, 0, 0, 0, 0, 0)); }},
    {"userfaultfd", [] { return error_of(::syscall(SYS_userfaultfd, 0)); }},
    {"perf_event_open", [] { return error_of(::syscall(SYS_perf_event_open, 0, 0, 0, 0, 0)); }},
    {"load a module", [] { return error_of(::syscall(SYS_finit_module, 2, "", 0)); }},
    {"be traced less", [] { return error_of(::syscall(SYS_seccomp, 0, 0, nullptr)); }},
    {"type into the terminal", [] { return error_of(::syscall(SYS_ioctl, 2, 0x5412, "x")); }},
    {"32-bit syscalls", call_as_i386},
    {"x32 syscalls", [] { return error_of(::syscall(SYS_getpid | 0x40000000)); }},
};

}  // namespace

std::span<const Attempt> attempts() {
  return kAttempts;
}

}  // namespace hardening
