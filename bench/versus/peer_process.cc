#include "bench/versus/peer_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Result;
using base::Status;

constexpr int kAnswerMs = 300'000;
constexpr std::size_t kLineBytesMax = 64 * 1024;

struct Pipe {
  base::Fd read;
  base::Fd write;
};

Result<Pipe> create_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::io_error(errno, "pipe");
  return Pipe{base::Fd(ends[0]), base::Fd(ends[1])};
}

Result<pid_t> spawn(const std::vector<std::string>& command, int input, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return base::io_error(error, "start " + command[0]);
  return pid;
}

}  // namespace

Result<std::unique_ptr<PeerProcess>> PeerProcess::start(const std::vector<std::string>& command) {
  (void)::signal(SIGPIPE, SIG_IGN);  // a peer that died is an answer, not our end
  Pipe to = TRY(create_pipe());
  Pipe from = TRY(create_pipe());
  std::unique_ptr<PeerProcess> peer(new PeerProcess);
  peer->pid_ = TRY(spawn(command, to.read.get(), from.write.get()));
  peer->to_ = std::move(to.write);
  peer->from_ = std::move(from.read);
  from.write = base::Fd();
  TRY(peer->read_line());
  return peer;
}

PeerProcess::~PeerProcess() {
  if (pid_ <= 0) return;
  (void)::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<double> PeerProcess::run(const Measure& measure) {
  const std::string line = measure.command() + "\n";
  TRY(base::write_all(to_, std::as_bytes(std::span(line))));
  const base::Json answer = TRY(base::Json::parse(TRY(read_line())));
  const base::Json* rate = answer.is_object() ? answer.find("tokens_per_second") : nullptr;
  if (rate == nullptr || !rate->is_number())
    return base::invalid_input("the peer's answer has no tokens_per_second");
  return rate->as_double();
}

Result<std::string> PeerProcess::read_line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (buffer_.size() > kLineBytesMax) return base::invalid_input("the peer's answer is too long");
    pollfd wait{from_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, kAnswerMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return base::unavailable("the peer does not answer");
    char bytes[4096];
    const ssize_t got = ::read(from_.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return base::unavailable("the peer died");
    buffer_.append(bytes, static_cast<std::size_t>(got));
  }
}

}  // namespace bench
