// The supervisor with real processes on every side: it runs in a child of the test, its roles are
// test_role.
#ifndef TESTS_DAEMON_SUPERVISOR_SUPERVISOR_FIXTURE_H_
#define TESTS_DAEMON_SUPERVISOR_SUPERVISOR_FIXTURE_H_

#include <fcntl.h>
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
#include "daemon/supervisor/supervisor.h"
#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {

struct Play {
  std::string gateway = "ready";
  std::string engine = "ready";
  std::string auditor = "audit";  // its log is the fixture's: see test_role.cc
  // How engines of the model "b" behave, and, from the second opening on, those of "a".
  std::string candidate = "ready";
  std::string engine_later = "ready";
  std::string engine_elsewhere = {};  // how it behaves once a GPU is out of use; empty: as ever
  bool room = true;
  std::string previous = {};
  std::string settings_after_reload = "ready";  // empty: the file is invalid
  std::string health = {};                      // empty: nobody looks after GPUs
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
  void exclude_gpus(std::vector<std::string> uuids) override {
    note("exclude");
    for (const std::string& uuid : uuids) note(uuid.c_str());
    excluded_ = !uuids.empty();
  }
  base::Result<base::Fd> config_of(const EngineModel& model) override {
    return create_sealed_memfd("test", behaviour_of(model.id));
  }
  base::Json report() override {
    return base::Json::object({{"log", log_}, {"active", active_}, {"previous", previous_}});
  }

 private:
  void note(const char* word) { log_ += std::string(log_.empty() ? "" : " ") + word; }
  std::string behaviour_of(const std::string& id) const {
    if (id == "b") return play_.candidate;
    if (excluded_ && !play_.engine_elsewhere.empty()) return play_.engine_elsewhere;
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
  bool excluded_ = false;
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
    spec.kind = name == "gateway"   ? RoleKind::kGateway
                : name == "auditor" ? RoleKind::kAuditor
                : name == "health"  ? RoleKind::kHealth
                                    : RoleKind::kEngine;
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
                          {},
                          make_audit(play, executable.get(), null.get()),
                          make_gpus(play, executable.get(), null.get())};
    Supervisor(std::move(parts), log, clock).run();
    ::_exit(0);
  }

  std::optional<GpuParts> make_gpus(const Play& play, int executable, int resource) const {
    if (play.health.empty()) return std::nullopt;
    GpuWatch::Settings settings;
    settings.boot = std::string(32, 'a');
    settings.every_gpu_concerns = true;
    settings.limits.silence_ms = 1'000;
    const std::string records = directory_.path() + "/gpus.json";
    return GpuParts{
        make_spec("health", play.health + "\n" + facts_path(), executable, resource, play),
        GpuWatch(std::move(settings), read_gpu_records(records).value()), records};
  }
  // What the health role says.
  std::string facts_path() const { return directory_.path() + "/facts"; }

  AuditParts make_audit(const Play& play, int executable, int resource) const {
    AuditParts audit;
    audit.auditor =
        make_spec("auditor", play.auditor + "\n" + log_path(), executable, resource, play);
    audit.writer = 4711;
    audit.directory = base::open_file(directory_.path(), O_RDONLY | O_DIRECTORY).value();
    audit.acts = directory_.path() + "/acts";
    audit.config = [] {
      return base::Json::object({{"path", "redoubt.toml"}, {"digest", std::string(64, 'a')}});
    };
    return audit;
  }

  std::string log_path() const { return directory_.path() + "/audit.log"; }
  std::string audit_log() const {
    const auto text = base::read_text_file(log_path(), 1 << 20);
    return text.ok() ? text.value() : "";
  }

  static base::Result<FreshSettings> read_again(const Play& play) {
    if (play.settings_after_reload.empty()) return base::invalid_input("redoubt.toml:1: no");
    FreshSettings fresh;
    fresh.gateway_config = TRY(create_sealed_memfd("test", play.settings_after_reload));
    fresh.changed = {"limits.body_bytes_max"};
    fresh.restarted = {"engine.threads"};
    return fresh;
  }

  // Another service, another writer: it begins a log of its own.
  void start(const Play& play) {
    ::unlink(log_path().c_str());
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

}  // namespace daemon_supervisor

#endif  // TESTS_DAEMON_SUPERVISOR_SUPERVISOR_FIXTURE_H_
