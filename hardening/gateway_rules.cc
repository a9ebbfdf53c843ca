// The gateway: TLS and HTTP on sockets it was handed, from a pool of threads.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <csignal>

#include "hardening/rule_parts.h"

namespace hardening {
namespace {

const SyscallRule kServes[] = {
    allow(SYS_read, "connections, eventfds, the memfd of a reload"),
    allow(SYS_epoll_wait, "the event loop"),
    allow(SYS_epoll_ctl, "the event loop"),
    allow(SYS_accept4, {equals(3, SOCK_CLOEXEC | SOCK_NONBLOCK)}, "new connections"),
    allow(SYS_setsockopt, {equals(1, IPPROTO_TCP), equals(2, TCP_NODELAY)},
          "a token is sent at once"),
    allow(SYS_setsockopt, {equals(1, SOL_SOCKET), equals(2, SO_SNDBUF)},
          "a slow reader costs a bounded buffer"),
    allow(SYS_getrandom, {bits(2, 0, GRND_NONBLOCK)}, "TLS nonces, names of requests"),
    allow(SYS_shutdown, {equals(1, SHUT_WR)}, "ending a connection"),
};

const SyscallRule kPrepares[] = {
    allow(SYS_rt_sigaction, {equals(0, SIGPIPE)}, "a peer that goes away is an error value"),
    allow(SYS_epoll_create1, "the event loop"),
    allow(SYS_eventfd2, "waking the event loop"),
    allow(SYS_fcntl, {equals(1, F_GETFL)}, "non-blocking listeners"),
    allow(SYS_fcntl, {equals(1, F_SETFL), bits(2, 0, O_RDWR | O_NONBLOCK)},
          "non-blocking listeners"),
};

}  // namespace

SyscallRules gateway_stage_1() {
  return join({kServes, kPrepares, memory_rules(), sharing_rules(), thread_end_rules(),
               ending_rules(), channel_rules(), file_fact_rules(), start_thread_rules(),
               tighten_rules(), refused_rules()});
}

SyscallRules gateway_stage_2() {
  return join({kServes, memory_rules(), sharing_rules(), thread_end_rules(), ending_rules(),
               channel_rules(), file_fact_rules(), refused_rules()});
}

}  // namespace hardening
