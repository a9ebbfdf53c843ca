#include "daemon/cli/act.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <span>

#include "daemon/supervisor/control_socket.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

constexpr int kPokeMs = 2'000;  // a service that does not answer looks by itself
constexpr std::size_t kRecordBytesMax = 64 * 1024;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string user_name(uid_t uid) {
  std::vector<char> buffer(kRecordBytesMax);
  passwd record{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &record, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fmt::format("uid {}", uid);
  return record.pw_name;
}

// Who logged in, as the kernel remembers it through su and sudo (proc_pid_loginuid(5)); nothing
// where nobody did.
std::string login_name() {
  const auto file = base::open_file("/proc/self/loginuid", O_RDONLY);
  if (!file.ok()) return "";
  std::string digits(16, '\0');
  const auto bytes = base::read_full(file.value(), std::as_writable_bytes(std::span(digits)));
  if (!bytes.ok()) return "";
  digits.resize(bytes.value());
  constexpr std::uint32_t kNobody = 0xffff'ffffu;
  std::uint32_t uid = kNobody;
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), uid);
  return uid == kNobody ? "" : user_name(uid);
}

std::string who() {
  const std::string name = user_name(::getuid());
  const std::string login = login_name();
  return login.empty() || login == name ? name : fmt::format("{} (logged in as {})", name, login);
}

}  // namespace

Act::Act(std::string command, ActArguments arguments) {
  report_.act = daemon_supervisor::make_act_number();
  report_.command = std::move(command);
  report_.arguments = std::move(arguments);
  report_.uid = ::getuid();
  report_.user = who();
}

Act::~Act() {
  if (!directory_.empty() && !finished_)
    (void)finish(base::cancelled("the command ended before it was done"));
}

base::Status Act::begin(const daemon_config::Config& config) {
  const daemon_supervisor::StatePaths paths(config);
  TRY(daemon_supervisor::ensure_directory(paths.directory, daemon_supervisor::kStateMode));
  directory_ = paths.acts;
  control_socket_ = paths.control_socket;
  const auto heir = TRY(daemon_supervisor::state_heir(paths));
  heir_ = heir;
  report_.at_us = now_us();
  auto written = write().context("nothing was done, since it cannot be recorded");
  if (!written.ok()) directory_.clear();
  return written;
}

base::Status Act::write() {
  TRY(daemon_supervisor::write_act(directory_, report_, heir_ ? &*heir_ : nullptr));
  (void)daemon_supervisor::ask_control_socket(control_socket_, "acts", kPokeMs);
  return {};
}

base::Status Act::finish(base::Status outcome) {
  if (directory_.empty() || finished_) return outcome;
  finished_ = true;
  report_.finished = true;
  report_.at_us =
      std::max(now_us(), report_.at_us + 1);  // behind the beginning, whatever the clock
  report_.outcome =
      outcome.ok() ? "done" : std::string(base::error_code_name(outcome.error().code));
  if (!outcome.ok()) report_.why = outcome.error().message;
  const auto written = write();
  if (!written.ok()) {
    fmt::print(stderr, "redoubt: the end of this is not in the audit log: {}\n",
               written.error().message);
  }
  return outcome;
}

}  // namespace daemon_cli
