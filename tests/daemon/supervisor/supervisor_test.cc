// The supervisor with real processes on every side: it runs in a child of the test, its roles are
// test_role.
#include "daemon/supervisor/supervisor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "daemon/supervisor/sealed_memfd.h"
#include "daemon/supervisor/signals.h"
#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

using testing::HasSubstr;

struct Play {
  std::string gateway = "ready";
  std::string engine = "ready";
  std::string gateway_after_reload = "ready";
  std::int64_t landlock_abi_min = 0;
  std::uint32_t drain_timeout_ms = 300;
};

// systemd's end of NOTIFY_SOCKET.
class FakeSystemd {
 public:
  explicit FakeSystemd(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  // Everything it was told so far, a line each.
  const std::string& heard() {
    char bytes[4096];
    for (ssize_t got = 0; (got = ::recv(socket_.get(), bytes, sizeof bytes, 0)) > 0;) {
      text_.append(bytes, static_cast<std::size_t>(got)).append("\n");
    }
    return text_;
  }

 private:
  base::Fd socket_;
  std::string text_;
};

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() : systemd_(directory_.path() + "/notify") {}
  ~SupervisorTest() override {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  static RoleSpec make_spec(const std::string& name, const std::string& behaviour, int executable,
                            int resource, const Play& play) {
    RoleSpec spec;
    spec.name = name;
    spec.executable = executable;
    spec.arguments = {"test_role"};
    spec.config = create_sealed_memfd("test", behaviour).value();
    spec.resources = {resource};
    spec.patience = {.load_ms = 400, .busy_ms = 250, .ping_ms = 20, .stop_ms = 200};
    spec.restarts = {.delay_min_ms = 20,
                     .delay_max_ms = 100,
                     .stable_ms = 60'000,
                     .failures_max = 5,
                     .period_ms = 60'000};
    spec.landlock_abi_min = play.landlock_abi_min;
    return spec;
  }

  [[noreturn]] void supervise(const Play& play) const {
    ::setenv("NOTIFY_SOCKET", (directory_.path() + "/notify").c_str(), 1);
    ::setenv("WATCHDOG_USEC", "200000", 1);
    ::unsetenv("WATCHDOG_PID");
    // What the supervisor says in passing is not what is tested.
    const base::Fd null = base::open_file("/dev/null", O_RDWR).value();
    ::dup2(null.get(), STDERR_FILENO);
    const base::Fd executable = base::open_file(TEST_ROLE, O_PATH).value();
    const base::Logger log("supervisor");
    const base::SystemClock clock;
    SupervisorParts parts{make_spec("gateway", play.gateway, executable.get(), null.get(), play),
                          make_spec("engine", play.engine, executable.get(), null.get(), play),
                          create_signal_fd().value(),
                          ControlSocket::create(socket_path()).value(),
                          play.drain_timeout_ms,
                          base::Json::object({{"version", "test"}}),
                          "serving nothing",
                          [&] { return create_sealed_memfd("test", play.gateway_after_reload); }};
    Supervisor(std::move(parts), log, clock).run();
    ::_exit(0);
  }

  void start(const Play& play) {
    pid_ = ::fork();
    if (pid_ == 0) supervise(play);
  }

  std::string socket_path() const { return directory_.path() + "/control.sock"; }

  base::Json status() {
    systemd_.heard();
    const auto answer = ask_control_socket(socket_path(), "status", 1'000);
    if (!answer.ok()) return base::Json::object();
    return base::Json::parse(answer.value()).value();
  }

  static base::Json role(const base::Json& status, std::string_view name) {
    const base::Json* roles = status.find("roles");
    for (const base::Json& r : roles != nullptr ? roles->as_array() : base::Json::Array()) {
      if (r.find("name")->as_string() == name) return r;
    }
    return base::Json::object();
  }

  static std::string text_of(const base::Json& json, std::string_view key) {
    const base::Json* member = json.find(key);
    return member != nullptr && member->is_string() ? member->as_string() : "";
  }
  static std::int64_t number_of(const base::Json& json, std::string_view key) {
    const base::Json* member = json.find(key);
    return member != nullptr && member->is_int() ? member->as_int() : -1;
  }

  // Asks for the status until it is as wanted, for a few seconds.
  base::Json wait_until(const std::function<bool(const base::Json&)>& wanted) {
    base::Json last = base::Json::object();
    for (int i = 0; i < 800; ++i) {
      last = status();
      if (wanted(last)) return last;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "never as wanted; at the end: " << last.dump_pretty();
    return last;
  }
  base::Json wait_until_ready() {
    return wait_until([](const base::Json& s) { return text_of(s, "state") == "ready"; });
  }
  base::Json wait_for_exit_text(std::string_view name, std::string_view text) {
    return wait_until([&](const base::Json& s) {
      return text_of(role(s, name), "last_exit").find(text) != std::string::npos;
    });
  }

  // The supervisor's exit status after `signal`; -1 when it did not exit by itself.
  int end_with(int signal) {
    ::kill(pid_, signal);
    int ending = 0;
    for (int i = 0; i < 1'000; ++i) {
      if (::waitpid(pid_, &ending, WNOHANG) == pid_) {
        pid_ = -1;
        return WIFEXITED(ending) ? WEXITSTATUS(ending) : -1;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return -1;
  }

  // Ended: collected by whoever inherited it, or waiting to be.
  static bool is_gone(std::int64_t pid) {
    for (int i = 0; i < 200; ++i) {
      const auto file = base::open_file("/proc/" + std::to_string(pid) + "/stat", O_RDONLY);
      if (!file.ok()) return true;
      std::string text(512, '\0');
      text.resize(base::read_full(file.value(), std::as_writable_bytes(std::span(text))).value());
      if (text.find(") Z ") != text.npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // Children of the supervisor, dead ones included.
  std::size_t child_count() const {
    const std::string path =
        "/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children";
    const base::Fd file = base::open_file(path, O_RDONLY).value();
    std::string text(4096, '\0');
    text.resize(base::read_full(file, std::as_writable_bytes(std::span(text))).value());
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  }

  TemporaryDirectory directory_;
  FakeSystemd systemd_;
  pid_t pid_ = -1;
};

TEST_F(SupervisorTest, StartsBothRolesAndTellsSystemd) {
  start({});
  const base::Json status = wait_until_ready();
  for (const char* name : {"gateway", "engine"}) {
    EXPECT_EQ(text_of(role(status, name), "state"), "ready");
    EXPECT_EQ(number_of(role(status, name), "restarts"), 0);
  }
  wait_until([this](const base::Json&) {
    return systemd_.heard().find("STATUS=serving nothing\n") != std::string::npos;
  });
  EXPECT_THAT(systemd_.heard(), HasSubstr("READY=1\n"));
  EXPECT_THAT(systemd_.heard(), HasSubstr("EXTEND_TIMEOUT_USEC="));
}

TEST_F(SupervisorTest, GivesARoleTheDescriptorsOfTheProtocolAndNoEnvironment) {
  start({});
  const base::Json status = wait_until_ready();
  const base::Json gateway = role(status, "gateway");
  const base::Json* report = gateway.find("report");
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->find("environment")->as_int(), 0);
  // 4 was read and closed by the role before it looked.
  EXPECT_EQ(report->find("descriptors")->dump(), "[0,1,2,3,5]");
}

TEST_F(SupervisorTest, IntroducesGatewayAndEngineToEachOther) {
  start({});
  const auto has_peer = [](const base::Json& s, const char* name) {
    const base::Json r = role(s, name);
    const base::Json* stats = r.find("stats");
    const base::Json* peer =
        stats != nullptr && stats->is_object() ? stats->find("has_peer") : nullptr;
    return peer != nullptr && peer->as_bool();
  };
  wait_until([&](const base::Json& s) { return has_peer(s, "gateway") && has_peer(s, "engine"); });
}

TEST_F(SupervisorTest, RestartsARoleThatCrashed) {
  start({.engine = "once\n" + directory_.path() + "/memory"});
  const base::Json status = wait_until([](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "engine"), "restarts") == 1;
  });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("killed by SIGABRT"));
  EXPECT_EQ(number_of(role(status, "gateway"), "restarts"), 0);
  EXPECT_EQ(child_count(), 2u);  // and no zombie among them
}

TEST_F(SupervisorTest, ARoleThatIsKilledFromOutsideComesBack) {
  start({});
  const base::Json before = wait_until_ready();
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "gateway"), "pid") != pid;
  });
  EXPECT_THAT(text_of(role(after, "gateway"), "last_exit"), HasSubstr("killed by SIGKILL"));
  EXPECT_EQ(number_of(role(after, "engine"), "restarts"), 0);
}

TEST_F(SupervisorTest, NamesSeccompWhenItWasSeccomp) {
  start({.engine = "sigsys"});
  wait_for_exit_text("engine", "killed by SIGSYS (seccomp)");
}

TEST_F(SupervisorTest, BacksOffAndRaisesAnAlarmWhenARoleKeepsFailing) {
  start({.engine = "die"});
  const base::Json status =
      wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("exited with status 7"));
  EXPECT_EQ(text_of(role(status, "gateway"), "state"), "ready");
  EXPECT_THAT(systemd_.heard(), HasSubstr("degraded"));
  EXPECT_THAT(systemd_.heard(), testing::Not(HasSubstr("READY=1")));
  // Not a tight loop: at the slowest pace of this test, ten starts a second at most.
  const auto first = number_of(role(this->status(), "engine"), "restarts");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(number_of(role(this->status(), "engine"), "restarts") - first, 4);
}

TEST_F(SupervisorTest, KillsARoleThatHangs) {
  start({.engine = "hang"});
  wait_for_exit_text("engine", "does not answer (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatIsStopped) {
  start({});
  const auto pid = number_of(role(wait_until_ready(), "engine"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGSTOP), 0);
  wait_for_exit_text("engine", "does not answer (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatIsBusyWithoutProgress) {
  start({.engine = "stuck"});
  wait_for_exit_text("engine", "busy without progress (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatNeverBecomesReady) {
  start({.engine = "mute"});
  wait_for_exit_text("engine", "no progress while starting (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatBreaksTheProtocol) {
  start({.gateway = "rude"});
  wait_for_exit_text("gateway",
                     "sent \"drained\", which is not permitted while starting (killed by SIGKILL)");
}

TEST_F(SupervisorTest, RefusesARoleBelowThePromisedSandbox) {
  start({.landlock_abi_min = 4});  // test_role claims 3
  wait_for_exit_text("gateway", "reached Landlock level 3, sandbox.landlock_abi_min asks for 4");
}

TEST_F(SupervisorTest, DrainsAndEndsOnSigterm) {
  start({});
  const base::Json status = wait_until_ready();
  systemd_.heard();  // or there is no room for more
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_THAT(systemd_.heard(), HasSubstr("STOPPING=1"));
  for (const char* name : {"gateway", "engine"})
    EXPECT_TRUE(is_gone(number_of(role(status, name), "pid"))) << name;
}

TEST_F(SupervisorTest, EndsAGatewayThatDoesNotDrainInTime) {
  start({.gateway = "deaf", .drain_timeout_ms = 100});
  const base::Json status = wait_until_ready();
  EXPECT_EQ(end_with(SIGINT), 0);
  EXPECT_TRUE(is_gone(number_of(role(status, "gateway"), "pid")));
}

TEST_F(SupervisorTest, EndsWhileARoleIsWaitingToBeRestarted) {
  start({.engine = "die"});
  wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorTest, ItsRolesDieWithIt) {
  start({.gateway = "deaf", .engine = "deaf"});
  const base::Json status = wait_until_ready();
  end_with(SIGKILL);
  for (const char* name : {"gateway", "engine"})
    EXPECT_TRUE(is_gone(number_of(role(status, name), "pid"))) << name;
}

TEST_F(SupervisorTest, PetsTheWatchdog) {
  start({});
  wait_until_ready();
  systemd_.heard();
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  EXPECT_THAT(systemd_.heard(), HasSubstr("WATCHDOG=1\n"));
}

TEST_F(SupervisorTest, IsNotHeldUpByASystemdThatDoesNotListen) {
  start({});
  wait_until_ready();
  for (int i = 0; i < 15; ++i) {  // more WATCHDOG=1 than the socket holds
    std::this_thread::sleep_for(std::chrono::milliseconds(70));
  }
  ASSERT_TRUE(ask_control_socket(socket_path(), "status", 500).ok());
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorTest, AReloadReplacesTheGatewayAndLeavesTheEngine) {
  start({.gateway_after_reload = "ready\nanew"});
  const base::Json before = wait_until_ready();
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_TRUE(ask_control_socket(socket_path(), "reload", 2'000).ok());
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "gateway"), "pid") != pid;
  });
  EXPECT_EQ(number_of(role(after, "engine"), "pid"), number_of(role(before, "engine"), "pid"));
  EXPECT_EQ(text_of(role(after, "gateway"), "last_exit"), "");  // no failure
}

TEST_F(SupervisorTest, AnswersOnlyRequestsItKnows) {
  start({});
  wait_until_ready();
  EXPECT_EQ(ask_control_socket(socket_path(), "stop", 2'000).value(),
            "{\"error\":\"requests are: status, reload\"}\n");
}

}  // namespace
}  // namespace daemon_supervisor
