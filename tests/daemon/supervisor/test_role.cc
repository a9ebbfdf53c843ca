// A role that behaves as its configuration (descriptor 4, one word per line) says:
//
//   ready         says so and answers pings, drains when told, ends with the control channel
//   crash         is ready, then aborts
//   sigsys        is ready, then dies as under seccomp
//   die           exits before it is ready
//   hang          is ready, then neither answers nor ends
//   stuck         is ready and answers, busy without progress
//   deaf          is ready, drains never, and ignores the end of its channel
//   rude          sends what it may not
//   once          "crash" the first time it is started, "ready" after (the file named next
//   remembers) mute          never says anything
//
// It reports the descriptors it found, so that the test can check them.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "daemon/ipc/channel.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace {

using daemon_ipc::Channel;

std::vector<std::string> read_lines() {
  const base::Fd config(4);
  const std::string text = base::read_text(config, 4096).value();
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  }
  return lines;
}

std::string report() {
  base::Json open = base::Json::array();
  for (int fd = 0; fd < 64; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) open.push_back(fd);
  }
  std::size_t environment = 0;
  while (environ[environment] != nullptr) ++environment;
  auto json = base::Json::object(
      {{"descriptors", std::move(open)}, {"environment", std::uint64_t{environment}}});
  json.set("sandbox", base::Json::object({{"landlock_abi", 3}}));
  return json.dump();
}

[[noreturn]] void die_of(int signal) {
  const rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::raise(signal);
  std::abort();
}

bool first_time(const std::string& memory) {
  const base::Fd fd(::open(memory.c_str(), O_CREAT | O_EXCL | O_CLOEXEC | O_RDWR, 0600));
  return fd.is_open();
}

// Returns when the channel has ended.
void serve(Channel& control, const std::string& behaviour) {
  std::uint64_t work = 0;
  bool has_peer = false;
  for (;;) {
    pollfd wait{control.fd(), POLLIN, 0};
    (void)::poll(&wait, 1, -1);
    auto received = control.receive();
    if (!received.ok() && behaviour == "deaf") ::pause();
    if (!received.ok()) return;
    if (!received.value()) continue;
    const auto& message = received.value()->message;
    has_peer = has_peer || std::holds_alternative<daemon_ipc::PeerChannel>(message);
    if (std::holds_alternative<daemon_ipc::Ping>(message)) {
      const bool stuck = behaviour == "stuck";
      if (!stuck) ++work;
      const auto stats = base::Json::object({{"has_peer", has_peer}});
      if (!control.send(daemon_ipc::Alive{work, stuck, stats.dump()}).ok()) return;
    }
    if (std::holds_alternative<daemon_ipc::Drain>(message) && behaviour != "deaf") {
      if (!control.send(daemon_ipc::Drained{}).ok()) return;
    }
  }
}

}  // namespace

int main() {
  const auto lines = read_lines();
  std::string behaviour = lines[0];
  Channel control{base::Fd(3)};
  if (behaviour == "die") return 7;
  if (behaviour == "mute") ::pause();
  if (behaviour == "rude") {
    (void)control.send(daemon_ipc::Drained{});
    ::pause();
  }
  if (!control.send(daemon_ipc::Progress{1, 2, "half"}).ok()) return 1;
  if (!control.send(daemon_ipc::Ready{report()}).ok()) return 1;
  if (behaviour == "once") behaviour = first_time(lines[1]) ? "crash" : "ready";
  if (behaviour == "crash") die_of(SIGABRT);
  if (behaviour == "sigsys") die_of(SIGSYS);
  if (behaviour == "hang") ::pause();
  serve(control, behaviour);
  return 0;
}
