// clang-format off
// A role that behaves as its configuration (descriptor 4, one word per line) says:
//
//   ready         says so and answers pings, drains when told, ends with the control channel
//   crash         is ready, then aborts
//   sigsys        is ready, then dies as under seccomp
//   die           exits before it is ready
//   hang          is ready, then neither answers nor ends
//   stuck         is ready and answers, busy without progress
//   frozen        is ready, says on its page that a step runs, and gets nowhere
//   long          is ready, then in one step for a second: answers nothing, its page moves
//   deaf          is ready, drains never, and ignores the end of its channel
//   slow          is ready, drains half a second after it was told
//   rude          sends what it may not
//   newline       reports progress with a line's end in it
//   once          "crash" the first time it is started, "ready" after (the file named next
//                 remembers)
//   mute          never says anything
//   weights       hands over weights unless it was given some
//   bad-weights   hands over weights that can still be changed
//   picky         dies before it is ready when it is given weights, else hands some over and crashes
//   quarantine    is ready and reports a digest
//   refuse        refuses every reload
//   no-reload     dies of a reload
//   forlorn       is ready, and says at every ping that it lost its peer
//   reject        refuses its model
//   tardy         is ready after a third of a second
//   retire        a gateway to which a new engine is introduced has nothing left for the former one
//   retire-never  likewise, but it has one request left, for ever
//   gpu           names the GPU of the next line, is ready and says so in its report
//   gpu-ends      names the GPU of the next line and exits, before it is ready, with the status of the
//                 one after
//   gpu-mute      names the GPU of the next line, and then never says anything
//   health        says at every ping what stands in the file named next, as facts about GPUs
//
// An auditor writes the records it is told to the file named next, a line each, and acknowledges
// them:
//
//   audit           so
//   audit-failing   says at first that it cannot, until the file named next plus ".ok" is there
//   audit-forgets   says at each start that nothing was ever written
//   audit-deaf      acknowledges nothing that it is told
//   audit-forlorn   says at every ping that it lost its peer
//
// It reports the descriptors it found, so that the test can check them.
// clang-format on
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "daemon/ipc/channel.h"
#include "daemon/progress/progress_page.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "hardening/crash_report.h"

namespace {

using daemon_ipc::Channel;

constexpr int kConfig = 4, kPage = 6, kWeights = 7;

std::string read_config(const base::Fd& fd) {
  (void)::lseek(fd.get(), 0, SEEK_SET);
  return base::read_text(fd, 4096).value();
}

std::vector<std::string> read_lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  }
  return lines;
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

std::string report(const std::string& gpu) {
  base::Json open = base::Json::array();
  for (int fd = 0; fd < 64; ++fd) {
    if (is_open(fd)) open.push_back(fd);
  }
  std::size_t environment = 0;
  while (environ[environment] != nullptr) ++environment;
  auto json = base::Json::object(
      {{"descriptors", std::move(open)}, {"environment", std::uint64_t{environment}}});
  if (!gpu.empty()) json.set("gpus", base::Json(base::Json::Array{gpu}));
  json.set("sandbox", base::Json::object({{"landlock_abi", 3}}));
  return json.dump();
}

[[noreturn]] void crash() {
  const rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  std::abort();
}

// No system call is permitted any more, and then one is made.
[[noreturn]] void die_of_seccomp() {
  sock_filter kill[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  const sock_fprog program{1, kill};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  ::_exit(0);
}

bool first_time(const std::string& memory) {
  const base::Fd fd(::open(memory.c_str(), O_CREAT | O_EXCL | O_CLOEXEC | O_RDWR, 0600));
  return fd.is_open();
}

bool send_weights(Channel& control, bool sealed) {
  const base::Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  constexpr std::uint64_t kBytes = 8'192;
  if (::ftruncate(fd.get(), off_t{kBytes}) != 0) return false;
  const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | (sealed ? F_SEAL_WRITE : 0);
  if (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return false;
  return control.send(daemon_ipc::Weights{kBytes, "test"}, &fd).ok();
}

void take_a_long_step() {
  auto page = daemon_progress::ProgressWriter::map(base::Fd(kPage)).value();
  page.begin();
  for (int layer = 0; layer < 100; ++layer) {
    ::usleep(10'000);
    page.counter().fetch_add(1);
  }
  page.end();
}

// An auditor's log: one line for each record, "number type body".
class TestLog {
 public:
  TestLog(std::string behaviour, std::string path)
      : behaviour_(std::move(behaviour)), path_(std::move(path)) {
    const auto text = base::read_text_file(path_, 1 << 20);
    if (text.ok() && behaviour_ != "audit-forgets")
      through_ =
          static_cast<std::uint64_t>(std::count(text.value().begin(), text.value().end(), '\n'));
  }

  bool greet(Channel& control) {
    if (!control.send(daemon_ipc::Appended{through_}).ok()) return false;
    failing_ = behaviour_ == "audit-failing" && ::access((path_ + ".ok").c_str(), F_OK) != 0;
    return control.send(state()).ok();
  }

  bool take(Channel& control, const daemon_ipc::Append& append) {
    waiting_.push_back(append);
    return write_down(control);
  }

  bool look_again(Channel& control) {
    if (!failing_ || ::access((path_ + ".ok").c_str(), F_OK) != 0) return true;
    failing_ = false;
    return control.send(state()).ok() && write_down(control);
  }

 private:
  daemon_ipc::AuditState state() const {
    using daemon_ipc::AuditCondition;
    return failing_ ? daemon_ipc::AuditState{AuditCondition::kFailing, "no space left on device"}
                    : daemon_ipc::AuditState{AuditCondition::kAppending, ""};
  }

  bool write_down(Channel& control) {
    if (failing_) return true;
    const base::Fd file = base::open_file(path_, O_WRONLY | O_CREAT | O_APPEND, 0600).value();
    for (const auto& append : std::exchange(waiting_, {})) {
      if (append.number != through_ + 1) return false;  // a gap: what a real one ends a channel for
      const std::string line =
          std::to_string(append.number) + " " + append.type + " " + append.body + "\n";
      if (!base::write_all(file, std::as_bytes(std::span(line))).ok()) return false;
      ++through_;
    }
    return behaviour_ == "audit-deaf" || control.send(daemon_ipc::Appended{through_}).ok();
  }

  std::string behaviour_;
  std::string path_;
  std::uint64_t through_ = 0;
  bool failing_ = false;
  std::vector<daemon_ipc::Append> waiting_;
};

class Play {
 public:
  Play(Channel& control, std::string behaviour, TestLog* log = nullptr, std::string facts = "")
      : control_(control), behaviour_(std::move(behaviour)), log_(log), facts_(std::move(facts)) {}

  // Returns when the channel has ended.
  void run() {
    for (;;) {
      pollfd wait{control_.fd(), POLLIN, 0};
      (void)::poll(&wait, 1, -1);
      auto received = control_.receive();
      if (!received.ok() && behaviour_ == "deaf") ::pause();
      if (!received.ok()) return;
      if (received.value() && !handle(*received.value())) return;
    }
  }

 private:
  bool handle(const daemon_ipc::Received& received) {
    const auto& message = received.message;
    if (const auto* peer = std::get_if<daemon_ipc::PeerChannel>(&message)) {
      ++peers_;
      if (!retire(peer->engine)) return false;
    }
    if (std::holds_alternative<daemon_ipc::Quarantine>(message)) ++quarantined_;
    if (const auto* state = std::get_if<daemon_ipc::EngineState>(&message))
      engine_ = static_cast<int>(state->condition);
    if (std::holds_alternative<daemon_ipc::Ping>(message)) return answer_ping();
    if (std::holds_alternative<daemon_ipc::Drain>(message) && behaviour_ != "deaf") {
      if (behaviour_ == "slow") ::usleep(500'000);
      return control_.send(daemon_ipc::Drained{}).ok();
    }
    if (std::holds_alternative<daemon_ipc::Reload>(message)) return reload(received.fd);
    if (const auto* link = std::get_if<daemon_ipc::AuditChannel>(&message)) {
      ++audit_channels_;
      audit_writer_ = std::to_string(link->writer);
    }
    if (const auto* append = std::get_if<daemon_ipc::Append>(&message))
      return log_ == nullptr || log_->take(control_, *append);
    if (const auto* cosign = std::get_if<daemon_ipc::Cosign>(&message))
      return control_.send(daemon_ipc::Cosigned{cosign->ticket, true, "got " + cosign->note}).ok();
    return true;
  }

  bool tell_facts() {
    const auto text = base::read_text_file(facts_, daemon_ipc::kGpuFactsBytesMax);
    return !text.ok() || control_.send(daemon_ipc::GpuFacts{text.value()}).ok();
  }

  bool retire(std::uint64_t engine) {
    const std::uint64_t former = std::exchange(peer_, std::max(peer_, engine));
    if (!behaviour_.starts_with("retire") || former == 0 || engine <= former) return true;
    const std::uint32_t left = behaviour_ == "retire" ? 0 : 1;
    return control_.send(daemon_ipc::Retiring{former, left}).ok();
  }

  bool answer_ping() {
    const bool stuck = behaviour_ == "stuck";
    if (!stuck) ++work_;
    if (behaviour_ == "forlorn" && !control_.send(daemon_ipc::PeerLost{peer_}).ok()) return false;
    if (behaviour_ == "audit-forlorn" &&
        !control_.send(daemon_ipc::PeerLost{daemon_ipc::kAuditLink}).ok())
      return false;
    if (log_ != nullptr && !log_->look_again(control_)) return false;
    if (!facts_.empty() && !tell_facts()) return false;
    const auto stats = base::Json::object({{"peers", peers_},
                                           {"engine", engine_},
                                           {"quarantined", quarantined_},
                                           {"audit_channels", audit_channels_},
                                           {"audit_writer", audit_writer_},
                                           {"reloaded", reloaded_}});
    return control_.send(daemon_ipc::Alive{work_, stuck, stats.dump()}).ok();
  }

  bool reload(const base::Fd& config) {
    if (behaviour_ == "no-reload") crash();
    if (behaviour_ == "refuse")
      return control_.send(daemon_ipc::Reloaded{false, "the key does not fit"}).ok();
    reloaded_ = read_config(config);
    return control_.send(daemon_ipc::Reloaded{true, ""}).ok();
  }

  Channel& control_;
  std::string behaviour_;
  TestLog* log_;
  std::string facts_;  // a file; empty: none
  int audit_channels_ = 0;
  std::string audit_writer_;
  std::uint64_t work_ = 0;
  int peers_ = 0;
  std::uint64_t peer_ = 0;
  int engine_ = -1;
  int quarantined_ = 0;
  std::string reloaded_;
};

// What it does about weights before it is ready. False: it ends.
bool handle_weights(Channel& control, const std::string& behaviour) {
  const bool given = is_open(kWeights);
  if (behaviour == "picky" && given) return false;
  if (behaviour == "bad-weights") return send_weights(control, false);
  if ((behaviour == "weights" && !given) || behaviour == "picky")
    return send_weights(control, true);
  return true;
}

}  // namespace

int main() {
  hardening::install_crash_report("test");
  const auto lines = read_lines(read_config(base::Fd(kConfig)));
  std::string behaviour = lines[0];
  Channel control{base::Fd(3)};
  if (behaviour == "die") return 7;
  if (behaviour == "mute") ::pause();
  if (behaviour == "rude") {
    (void)control.send(daemon_ipc::Drained{});
    ::pause();
  }
  const char* what = behaviour == "newline" ? "half\nMAINPID=1" : "half";
  if (!control.send(daemon_ipc::Progress{1, 2, what}).ok()) return 1;
  if (behaviour == "newline") ::pause();
  if (behaviour == "reject") {
    (void)control.send(daemon_ipc::Rejected{"the golden answers differ"});
    return 3;
  }
  const std::string gpu = behaviour.starts_with("gpu") ? lines[1] : "";
  if (!gpu.empty() && !control.send(daemon_ipc::GpusInUse{{gpu}}).ok()) return 1;
  if (behaviour == "gpu-ends") return std::atoi(lines[2].c_str());
  if (behaviour == "gpu-mute") ::pause();
  if (behaviour == "tardy") ::usleep(300'000);
  if (!handle_weights(control, behaviour)) return 8;
  if (!control.send(daemon_ipc::Ready{report(gpu)}).ok()) return 1;
  if (behaviour == "once") behaviour = first_time(lines[1]) ? "crash" : "ready";
  if (behaviour.starts_with("audit")) {
    TestLog log(behaviour, lines[1]);
    if (!log.greet(control)) return 1;
    Play(control, behaviour, &log).run();
    return 0;
  }
  if (behaviour == "crash" || behaviour == "picky") crash();
  if (behaviour == "sigsys") die_of_seccomp();
  if (behaviour == "hang") ::pause();
  if (behaviour == "long") take_a_long_step();
  if (behaviour == "frozen") {
    auto page = daemon_progress::ProgressWriter::map(base::Fd(kPage)).value();
    page.begin();
    ::pause();
  }
  if (behaviour == "quarantine")
    (void)control.send(daemon_ipc::Quarantine{std::string(daemon_ipc::kDigestBytes, '\x5a')});
  if (behaviour == "reloaded") (void)control.send(daemon_ipc::Reloaded{true, ""});
  Play(control, behaviour, nullptr, behaviour == "health" ? lines[1] : "").run();
  return 0;
}
