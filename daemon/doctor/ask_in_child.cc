#include "daemon/doctor/ask_in_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "hardening/base/clock.h"
#include "hardening/base/fd.h"
#include "hardening/base/file.h"

namespace daemon_doctor {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20;

[[noreturn]] void answer(const std::function<std::string()>& ask, const base::Fd& to) {
  // What the driver's libraries print is nobody's business.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
  }
  const std::string text = ask();
  const bool ok = base::write_all(to, std::as_bytes(std::span(text))).ok();
  ::_exit(ok ? 0 : 1);
}

// All that comes until the other end is closed.
std::optional<std::string> read_until(const base::Fd& from, std::int64_t deadline_ms) {
  const base::SystemClock clock;
  std::string text;
  for (;;) {
    const std::int64_t left = deadline_ms - clock.monotonic_ns() / 1'000'000;
    pollfd wait{from.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000))) < 0)
      return std::nullopt;
    if (wait.revents == 0) continue;
    std::array<char, 4'096> piece{};
    const ssize_t got = ::read(from.get(), piece.data(), piece.size());
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kAnswerBytesMax) return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> ask_in_child(const std::function<std::string()>& ask,
                                        std::int64_t deadline_ms) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const base::Fd from(ends[0]);
  base::Fd to(ends[1]);
  const base::SystemClock clock;
  const std::int64_t until = clock.monotonic_ns() / 1'000'000 + deadline_ms;
  const pid_t child = ::fork();
  if (child < 0) return std::nullopt;
  if (child == 0) answer(ask, to);
  to = base::Fd();
  auto text = read_until(from, until);
  if (!text) ::kill(child, SIGKILL);
  int status = 0;
  const pid_t ended = ::waitpid(child, &status, text ? 0 : WNOHANG);
  if (ended != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return text;
}

}  // namespace daemon_doctor
