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
  // How engines of the model "b" behave, and, from the second opening on, those of "a".
  std::string candidate = "ready";
  std::string engine_later = "ready";
  bool room = true;
  std::string previous = {};
  std::string settings_after_reload = "ready";  // empty: the file is invalid
  std::int64_t landlock_abi_min = 0;
  std::uint32_t drain_timeout_ms = 300;
};

// Two models, "a" active; what is asked of it is written down, a word each.
class FakeModels final : public Models {
 public:
  using MakeSpec = std::function<RoleSpec(const std::string& behaviour)>;
  FakeModels(const Play& play, MakeSpec make_spec)
      : play_(play), make_spec_(std::move(make_spec)), previous_(play.previous) {}

  base::Result<EngineModel> open_to_start() override {
    if (!trial_.empty()) {
      note("start");
      return open(trial_, true);
    }
    return open(active_, false);
  }
  base::Result<EngineModel> open_for_trial(const std::string& id) override {
    note("trial");
    trial_ = id;
    starts_ = 1;
    return open(id, true);
  }
  base::Status propose(const std::string& id) override {
    note("propose");
    trial_ = id == active_ ? "" : id;
    starts_ = 1;
    return {};
  }
  base::Result<std::string> previous() override {
    if (previous_.empty()) return base::not_found("there is no model to go back to");
    return previous_;
  }
  base::Status check_room(const std::string&, const EngineModel&) override {
    if (!play_.room) return base::exhausted("9 MiB are needed and 8 MiB are available");
    return {};
  }
  bool try_again(const std::string&, std::string_view) override {
    note("again");
    return ++starts_ <= 3;
  }
  base::Status prove(const EngineModel& model) override {
    note("prove");
    previous_ = std::exchange(active_, model.id);
    trial_.clear();
    return {};
  }
  void fail(const std::string&, const std::string&) override {
    note("fail");
    trial_.clear();
  }
  bool fall_back(const std::string&, const std::string&) override {
    note("back");
    if (previous_.empty()) return false;
    active_ = std::exchange(previous_, "");
    return true;
  }
  base::Result<base::Fd> served(const EngineModel& model, const base::Json&) override {
    note("served");
    return create_sealed_memfd("test", behaviour_of(model.id));
  }
  base::Json report() override {
    return base::Json::object({{"log", log_}, {"active", active_}, {"previous", previous_}});
  }

 private:
  void note(const char* word) { log_ += std::string(log_.empty() ? "" : " ") + word; }
  std::string behaviour_of(const std::string& id) const {
    if (id == "b") return play_.candidate;
    return opened_ > 1 ? play_.engine_later : play_.engine;
  }
  EngineModel open(const std::string& id, bool on_trial) {
    if (id == "a") ++opened_;
    EngineModel model;
    model.id = id;
    model.name = "model " + id;
    model.on_trial = on_trial;
    model.spec = make_spec_(behaviour_of(id));
    return model;
  }

  const Play& play_;
  MakeSpec make_spec_;
  std::string active_ = "a";
  std::string previous_;
  std::string trial_;
  int starts_ = 0;
  int opened_ = 0;
  std::string log_;
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
    spec.kind = name == "gateway" ? RoleKind::kGateway : RoleKind::kEngine;
    spec.progress_page = spec.kind == RoleKind::kEngine;
    spec.patience = {.load_ms = 400, .busy_ms = 250, .ping_ms = 20, .stop_ms = 200, .page_ms = 20};
    spec.restarts = {.delay_min_ms = 20, .delay_max_ms = 100, .intensity = 5, .period_ms = 60'000};
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
    FakeModels models(play, [&](const std::string& behaviour) {
      return make_spec("engine", behaviour, executable.get(), null.get(), play);
    });
    SupervisorParts parts{make_spec("gateway", play.gateway, executable.get(), null.get(), play),
                          models.open_to_start().value(),
                          &models,
                          create_signal_fd().value(),
                          ControlSocket::create(socket_path()).value(),
                          base::Json::object({{"version", "test"}}),
                          "nowhere",
                          [&] { return play.drain_timeout_ms; },
                          [&] { return read_again(play); },
                          std::nullopt,
                          {}};
    Supervisor(std::move(parts), log, clock).run();
    ::_exit(0);
  }

  static base::Result<FreshSettings> read_again(const Play& play) {
    if (play.settings_after_reload.empty()) return base::invalid_input("redoubt.toml:1: no");
    FreshSettings fresh;
    fresh.gateway_config = TRY(create_sealed_memfd("test", play.settings_after_reload));
    fresh.changed = {"limits.body_bytes_max"};
    fresh.restarted = {"engine.threads"};
    return fresh;
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

  static base::Json stat_of(const base::Json& status, std::string_view name, std::string_view key) {
    const base::Json r = role(status, name);
    const base::Json* stats = r.find("stats");
    const base::Json* value = stats != nullptr && stats->is_object() ? stats->find(key) : nullptr;
    return value != nullptr ? *value : base::Json();
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
    if (signal != 0) ::kill(pid_, signal);
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
    return systemd_.heard().find("STATUS=serving model a on nowhere\n") != std::string::npos;
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
  wait_until([&](const base::Json& s) {
    return stat_of(s, "gateway", "peers") == 1 && stat_of(s, "engine", "peers") == 1;
  });
}

// Fifty times a second it is asked to, and does so once a second.
TEST_F(SupervisorTest, IntroducesRolesAnewWhenOneLostItsPeerButNotAllTheTime) {
  for (const bool gateway : {true, false}) {
    const auto begun = std::chrono::steady_clock::now();
    gateway ? start({.gateway = "forlorn"}) : start({.engine = "forlorn"});
    const base::Json status = wait_until([&](const base::Json& s) {
      return stat_of(s, "gateway", "peers") == 2 && stat_of(s, "engine", "peers") == 2;
    });
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
    for (const char* name : {"gateway", "engine"})
      EXPECT_EQ(number_of(role(status, name), "restarts"), 0);
    EXPECT_EQ(end_with(SIGTERM), 0);
  }
}

TEST_F(SupervisorTest, RestartsARoleThatCrashed) {
  start({.engine = "once\n" + directory_.path() + "/memory"});
  const base::Json status = wait_until([](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "engine"), "restarts") == 1;
  });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("crashed by SIGABRT"));
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
  EXPECT_THAT(systemd_.heard(), HasSubstr("STATUS=ALARM: engine degraded"));
  // The start is over: a gateway that says what is wrong is all there will be.
  EXPECT_THAT(systemd_.heard(), HasSubstr("READY=1"));
  wait_until([](const base::Json& s) { return stat_of(s, "gateway", "engine") == 3; });
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

TEST_F(SupervisorTest, AReloadIsTakenByTheRunningGateway) {
  start({.settings_after_reload = "ready\nanew"});
  const base::Json before = wait_until_ready();
  systemd_.heard();
  EXPECT_EQ(ask_control_socket(socket_path(), "reload", 2'000).value(),
            "{\"reload\":\"done\",\"changed\":[\"limits.body_bytes_max\"],"
            "\"needs_restart\":[\"engine.threads\"]}\n");
  const base::Json after = wait_until(
      [&](const base::Json& s) { return stat_of(s, "gateway", "reloaded") == "ready\nanew"; });
  for (const char* name : {"gateway", "engine"})
    EXPECT_EQ(number_of(role(after, name), "pid"), number_of(role(before, name), "pid"));
  wait_until([this](const base::Json&) {
    const std::string& heard = systemd_.heard();
    const auto reloading = heard.find("RELOADING=1\nMONOTONIC_USEC=");
    return reloading != heard.npos && heard.find("READY=1", reloading) != heard.npos;
  });
}

TEST_F(SupervisorTest, ALaterGatewayStartsWithWhatWasReloaded) {
  start({.settings_after_reload = "refuse"});
  const base::Json before = wait_until_ready();
  ASSERT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(), HasSubstr("done"));
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "gateway"), "pid") != pid;
  });
  EXPECT_EQ(ask_control_socket(socket_path(), "reload", 2'000).value(),
            "{\"reload\":\"refused\",\"error\":\"the gateway refuses: the key does not fit\"}\n");
}

TEST_F(SupervisorTest, AnInvalidFileLeavesEverythingAsItIs) {
  start({.settings_after_reload = ""});
  const base::Json before = wait_until_ready();
  ASSERT_EQ(::kill(pid_, SIGHUP), 0);
  const base::Json after =
      wait_until([](const base::Json& s) { return s.find("last_reload") != nullptr; });
  EXPECT_EQ(after.find("last_reload")->dump(),
            "{\"reload\":\"refused\",\"error\":\"redoubt.toml:1: no\"}");
  EXPECT_EQ(number_of(role(after, "gateway"), "pid"), number_of(role(before, "gateway"), "pid"));
  // It is over; the supervisor says so in the turn after.
  wait_until([this](const base::Json&) {
    const std::string& heard = systemd_.heard();
    return heard.find("READY=1", heard.find("RELOADING=1")) != heard.npos;
  });
}

TEST_F(SupervisorTest, AGatewayThatDiesOfAReloadComesBackWithWhatItHad) {
  start({.gateway = "no-reload", .settings_after_reload = "ready"});
  wait_until_ready();
  EXPECT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(),
              HasSubstr("the gateway ended while it took the new settings"));
  wait_until_ready();
  EXPECT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(), HasSubstr("refused"));
}

TEST_F(SupervisorTest, AReloadHelpsAGatewayThatDoesNotStart) {
  start({.gateway = "die", .settings_after_reload = "ready"});
  wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(),
              HasSubstr("it is started with the new settings"));
  wait_until([](const base::Json& s) { return text_of(role(s, "gateway"), "state") == "ready"; });
}

// ---- progress -----------------------------------------------------------------------------------

TEST_F(SupervisorTest, KillsAnEngineWhoseStepStandsStill) {
  start({.engine = "frozen"});
  wait_for_exit_text("engine", "busy without progress (killed by SIGKILL)");
}

TEST_F(SupervisorTest, LetsALongStepRun) {
  start({.engine = "long"});  // four times as long as its patience without a sign
  wait_until([](const base::Json& s) { return number_of(role(s, "engine"), "work") > 0; });
  EXPECT_EQ(number_of(role(status(), "engine"), "restarts"), 0);
}

// ---- weights ------------------------------------------------------------------------------------

TEST_F(SupervisorTest, KeepsTheWeightsForTheNextEngineAndWithSystemd) {
  start({.engine = "weights"});
  const base::Json before = wait_until_ready();
  EXPECT_EQ(role(before, "engine").find("report")->find("descriptors")->dump(), "[0,1,2,3,5,6]");
  EXPECT_EQ(number_of(role(before, "engine"), "weights_kept_bytes"), 8'192);
  const auto pid = number_of(role(before, "engine"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "engine"), "pid") != pid;
  });
  EXPECT_EQ(role(after, "engine").find("report")->find("descriptors")->dump(), "[0,1,2,3,5,6,7]");
  EXPECT_THAT(systemd_.heard(), HasSubstr("FDSTORE=1\nFDNAME=redoubt-weights\nFDPOLL=0\n"));
}

TEST_F(SupervisorTest, RefusesWeightsThatCanBeChanged) {
  start({.engine = "bad-weights"});
  wait_for_exit_text("engine", "weights: not sealed against every change (killed by SIGKILL)");
  EXPECT_EQ(number_of(role(status(), "engine"), "weights_kept_bytes"), -1);
}

TEST_F(SupervisorTest, AnEngineThatDiesOfKeptWeightsIsStartedWithoutThem) {
  start({.engine = "picky"});
  // Without: crashed. With: exited before it was ready. Without again: crashed again.
  wait_until([](const base::Json& s) {
    return text_of(role(s, "engine"), "last_exit").find("crashed") != std::string::npos &&
           number_of(role(s, "engine"), "restarts") >= 3;
  });
  EXPECT_THAT(systemd_.heard(), HasSubstr("FDSTOREREMOVE=1\nFDNAME=redoubt-weights\n"));
}

TEST_F(SupervisorTest, OnlyTheEngineHandsOverWeights) {
  start({.gateway = "weights"});
  wait_for_exit_text("gateway", "sent \"weights\", which is not permitted while starting");
}

// ---- quarantine ---------------------------------------------------------------------------------

TEST_F(SupervisorTest, TheQuarantineOutlivesTheGateway) {
  start({.gateway = "quarantine"});
  const base::Json before = wait_until([](const base::Json& s) {
    return number_of(s, "quarantined") == 1 && stat_of(s, "gateway", "quarantined") == 1;
  });
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return number_of(role(s, "gateway"), "pid") != pid && stat_of(s, "gateway", "quarantined") == 1;
  });
  EXPECT_EQ(number_of(status(), "quarantined"), 1);
}

TEST_F(SupervisorTest, OnlyTheGatewayQuarantines) {
  start({.engine = "quarantine"});
  wait_for_exit_text("engine", "sent \"quarantine\", which is not permitted while ready");
}

// ---- the end ------------------------------------------------------------------------------------

TEST_F(SupervisorTest, TheEngineComesBackWhileTheGatewayDrains) {
  start({.gateway = "slow", .drain_timeout_ms = 5'000});
  const auto pid = number_of(role(wait_until_ready(), "engine"), "pid");
  ASSERT_EQ(::kill(pid_, SIGTERM), 0);
  wait_until([](const base::Json& s) { return text_of(s, "state") == "stopping"; });
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(role(s, "engine"), "state") == "ready" &&
           number_of(role(s, "engine"), "pid") != pid;
  });
  EXPECT_EQ(text_of(role(after, "gateway"), "state"), "draining");
  EXPECT_EQ(end_with(0), 0);
}

TEST_F(SupervisorTest, EndsWhileStarting) {
  start({.gateway = "mute", .engine = "mute"});
  wait_until([](const base::Json& s) { return text_of(s, "state") == "starting"; });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorTest, ASecondSigtermDoesNotWaitForRequests) {
  start({.gateway = "slow", .drain_timeout_ms = 60'000});
  wait_until_ready();
  ASSERT_EQ(::kill(pid_, SIGTERM), 0);
  wait_until([](const base::Json& s) { return text_of(s, "state") == "stopping"; });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(450));
}

// ---- systemd ------------------------------------------------------------------------------------

TEST_F(SupervisorTest, AnAnswerThatNobodyAskedForIsABreachOfProtocol) {
  start({.gateway = "reloaded"});
  wait_for_exit_text("gateway", "sent \"reloaded\" without having been asked (killed by SIGKILL)");
}

TEST_F(SupervisorTest, NoRoleCanSlipSystemdAnAssignment) {
  start({.engine = "newline"});
  wait_until([this](const base::Json&) {
    return systemd_.heard().find("half?MAINPID=1 50 %") != std::string::npos;
  });
  EXPECT_THAT(systemd_.heard(), testing::Not(HasSubstr("\nMAINPID")));
}

TEST_F(SupervisorTest, AStoppedServiceTellsHowLongItMayTake) {
  start({.drain_timeout_ms = 300});
  wait_until_ready();
  systemd_.heard();
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_THAT(systemd_.heard(), HasSubstr("STOPPING=1\nEXTEND_TIMEOUT_USEC=15300000\n"));
}

TEST_F(SupervisorTest, AnswersOnlyRequestsItKnows) {
  start({});
  wait_until_ready();
  EXPECT_EQ(ask_control_socket(socket_path(), "stop", 2'000).value(),
            "{\"error\":\"requests are: status, reload, activation, activate ID [restart], "
            "rollback [restart]\"}\n");
}

// ---- another model ------------------------------------------------------------------------------

class SupervisorModelsTest : public SupervisorTest {
 protected:
  base::Json ask(const std::string& request) {
    const auto answer = ask_control_socket(socket_path(), request, 2'000);
    return answer.ok() ? base::Json::parse(answer.value()).value() : base::Json::object();
  }
  // Its outcome, when it is over.
  base::Json wait_for_activation() {
    base::Json last = base::Json::object();
    for (int i = 0; i < 800; ++i) {
      systemd_.heard();
      last = ask("activation");
      const std::string state = text_of(last, "state");
      if (state == "done" || state == "failed") return last;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "never over: " << last.dump_pretty();
    return last;
  }
  static std::string log_of(const base::Json& status) {
    const base::Json* models = status.find("models");
    return models != nullptr ? text_of(*models, "log") : "";
  }
  static std::string served(const base::Json& status) {
    const base::Json* model = status.find("model");
    return model != nullptr ? text_of(*model, "id") : "";
  }
};

TEST_F(SupervisorModelsTest, AnotherModelIsProvenBesideTheOneThatServesAndThenTakesItsPlace) {
  start({.gateway = "retire"});
  const base::Json before = wait_until_ready();
  const auto former = number_of(role(before, "engine"), "pid");
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 1);
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  const base::Json after = wait_until([&](const base::Json&) { return child_count() == 2; });
  EXPECT_EQ(served(after), "b");
  EXPECT_TRUE(is_gone(former));
  EXPECT_EQ(log_of(after), "served trial prove served");
  EXPECT_EQ(number_of(role(after, "engine"), "restarts"), 0);
  EXPECT_EQ(number_of(role(after, "gateway"), "restarts"), 0);
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorModelsTest, TheFormerEngineStaysWhileItHasRequestsAndIsRestartedLikeAnyOther) {
  start({.gateway = "retire-never"});
  wait_until_ready();
  ask("activate b");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  const base::Json both = wait_until(
      [](const base::Json& s) { return text_of(role(s, "former engine"), "state") == "ready"; });
  EXPECT_THAT(text_of(ask("activate a"), "error"), HasSubstr("still finishing 1 requests"));
  const auto pid = number_of(role(both, "former engine"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return text_of(role(s, "former engine"), "state") == "ready" &&
           number_of(role(s, "former engine"), "pid") != pid;
  });
  // A gateway that never met it has nothing for it.
  const auto gateway = number_of(role(both, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(gateway), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return text_of(role(s, "former engine"), "state").empty() && child_count() == 2;
  });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorModelsTest, ACandidateThatIsRejectedLeavesTheFormerEngineUntouched) {
  start({.gateway = "retire", .candidate = "reject"});
  const base::Json before = wait_until_ready();
  ask("activate b");
  const base::Json outcome = wait_for_activation();
  EXPECT_EQ(text_of(outcome, "state"), "failed");
  EXPECT_EQ(text_of(outcome, "error"), "the golden answers differ");
  const base::Json after = wait_until([&](const base::Json&) { return child_count() == 2; });
  EXPECT_EQ(served(after), "a");
  EXPECT_EQ(number_of(role(after, "engine"), "pid"), number_of(role(before, "engine"), "pid"));
  EXPECT_EQ(log_of(after), "served trial fail");
}

TEST_F(SupervisorModelsTest, ACandidateThatDiesIsStartedThreeTimes) {
  start({.gateway = "retire", .candidate = "die"});
  wait_until_ready();
  ask("activate b");
  const base::Json outcome = wait_for_activation();
  EXPECT_EQ(text_of(outcome, "state"), "failed");
  EXPECT_THAT(text_of(outcome, "error"), HasSubstr("exited with status 7"));
  EXPECT_EQ(log_of(status()), "served trial again again again fail");
  EXPECT_EQ(served(status()), "a");
}

TEST_F(SupervisorModelsTest, WithARestartTheFormerEngineIsStoppedFirst) {
  start({.gateway = "retire", .room = false});
  wait_until_ready();
  EXPECT_THAT(text_of(ask("activate b"), "error"), HasSubstr("8 MiB are available"));
  ask("activate b restart");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  EXPECT_EQ(served(status()), "b");
  EXPECT_EQ(log_of(status()), "served propose start prove served");
  EXPECT_EQ(child_count(), 2u);
}

TEST_F(SupervisorModelsTest, ARestartIntoAModelThatIsRejectedEndsWithTheFormerOne) {
  start({.gateway = "retire", .candidate = "reject"});
  wait_until_ready();
  ask("activate b restart");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "failed");
  const base::Json after = wait_until_ready();
  EXPECT_EQ(served(after), "a");
  EXPECT_EQ(log_of(after), "served propose start fail served");
}

TEST_F(SupervisorModelsTest, AnActiveModelThatIsRejectedGivesWayToThePreviousOne) {
  start({.gateway = "retire", .engine = "reject", .previous = "b"});
  const base::Json after = wait_until_ready();
  EXPECT_EQ(served(after), "b");
  EXPECT_EQ(log_of(after), "back served");
}

TEST_F(SupervisorModelsTest, AnActiveModelThatIsRejectedWithoutAPreviousOneIsTriedOn) {
  start({.gateway = "retire", .engine = "reject"});
  const base::Json status =
      wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_EQ(served(status), "a");
  EXPECT_EQ(log_of(status), "back");  // asked once, not at every failure
}

TEST_F(SupervisorModelsTest, RollingBackTriesThePreviousModel) {
  start({.gateway = "retire", .previous = "b"});
  wait_until_ready();
  ask("rollback");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  EXPECT_EQ(served(status()), "b");
}

TEST_F(SupervisorModelsTest, OneActivationAtATimeAndTheSameOneIsJoined) {
  start({.gateway = "retire", .candidate = "tardy"});
  wait_until_ready();
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 1);
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 1);
  EXPECT_THAT(text_of(ask("activate c"), "error"), HasSubstr("is under way"));
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 2);  // which serves already
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
}

TEST_F(SupervisorModelsTest, StoppingTheServiceForgivesAModelThatIsJustOnTrial) {
  start({.gateway = "retire", .candidate = "tardy"});
  wait_until_ready();
  ask("activate b");
  EXPECT_EQ(end_with(SIGTERM), 0);
}

}  // namespace
}  // namespace daemon_supervisor
