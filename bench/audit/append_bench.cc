#include "bench/audit/append_bench.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bench/options.h"
#include "bench/statistics.h"
#include "daemon/auditor/auditor_config.h"
#include "daemon/ipc/channel.h"
#include "daemon/supervisor/role_users.h"
#include "daemon/supervisor/sealed_memfd.h"
#include "daemon/supervisor/spawn.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Json;
using base::Result;
using base::Status;
using daemon_ipc::Channel;

constexpr std::uint64_t kWriter = 2;
constexpr std::int64_t kReadyMs = 10'000;
constexpr double kLatencyMsMax = 10;
constexpr int kDescriptors = 6;

// As long as those of a chat request are (daemon/audit/RECORDS.md sections 2 and 3).
std::string make_body(std::uint64_t number) {
  const bool finished = number % 2 == 0;
  const std::string digest(64, 'a');
  Json body = Json::object(
      {{"request", fmt::format("req-{:032x}", (number + 1) / 2)},
       {"key", "bench"},
       {"user", "somebody"},
       {"tag", "a-tag"},
       {"endpoint", "/v1/chat/completions"},
       {"client", Json::object({{"address", "192.0.2.17"},
                                {"port", 50'123},
                                {"tls", "TLSv1.3"},
                                {"cipher", "TLS_AES_256_GCM_SHA384"}})},
       {"model", Json::object({{"name", "bench"}, {"digest", digest}, {"release", digest}})},
       {"kernels", "cpu-avx512-vnni"},
       {"body", Json::object({{"bytes", 900}, {"digest", digest}})}});
  if (!finished) {
    body.set("method", "POST");
    body.set("stream", true);
    body.set("parameters", Json::object({{"choices", 1},
                                         {"tokens_max", 128},
                                         {"tokens_min", 0},
                                         {"temperature", 0.7},
                                         {"top_k", 40},
                                         {"top_p", 0.95},
                                         {"min_p", 0},
                                         {"repetition_penalty", 1},
                                         {"presence_penalty", 0},
                                         {"frequency_penalty", 0},
                                         {"logprobs", false},
                                         {"top_logprobs", 0},
                                         {"echo", false},
                                         {"ignore_end_tokens", false},
                                         {"include_stop_text", false},
                                         {"continue_final_message", false},
                                         {"add_generation_prompt", true}}));
    body.set("seed", "1234567890123456789");
    body.set("created", std::int64_t{1'790'000'000});
    body.set("prompts", Json(Json::Array{Json::object({{"tokens", 212}, {"tokens_max", 128}})}));
    return body.dump();
  }
  body.set("outcome", "ok");
  body.set("status", 200);
  body.set("prompt_tokens", 212);
  body.set("completion_tokens", 128);
  body.set("cached_tokens", 0);
  body.set("choices", Json(Json::Array{Json::object({{"index", 0},
                                                     {"tokens", 128},
                                                     {"finish", "stop"},
                                                     {"tokens_digest", digest},
                                                     {"text_digest", digest}})}));
  body.set("device_us", 812'345);
  body.set("first_token_us", 91'234);
  body.set("duration_us", 1'812'345);
  body.set("resumed", 0);
  return body.dump();
}

// The auditor's process and the two channels to it.
class Auditor {
 public:
  static Result<Auditor> start(const std::string& redoubt, const std::string& directory) {
    Auditor auditor;
    daemon_auditor::AuditorConfig config;
    config.origin = "bench.example/audit";
    config.boot = std::string(32, '0');
    config.supervisor = 1;
    const base::Fd executable = TRY(base::open_file(redoubt, O_PATH));
    const base::Fd null = TRY(base::open_file("/dev/null", O_RDWR));
    const base::Fd text =
        TRY(daemon_supervisor::create_sealed_memfd("auditor-config", config.serialize()));
    const base::Fd log = TRY(base::open_file(directory, O_RDONLY | O_DIRECTORY));
    auto control = TRY(Channel::create_pair());
    const auto identity = ::geteuid() == 0 ? daemon_supervisor::kAuditorIdentity
                                           : hardening::Identity{::geteuid(), ::getegid()};
    daemon_supervisor::SpawnRequest request;
    request.executable = executable.get();
    request.arguments = {"redoubt",
                         "role",
                         "auditor",
                         fmt::format("--uid={}", identity.uid),
                         fmt::format("--gid={}", identity.gid),
                         fmt::format("--descriptors={}", kDescriptors)};
    request.descriptors = {null.get(),           null.get(), STDERR_FILENO,
                           control.second.get(), text.get(), log.get()};
    request.identity = identity;
    auditor.child_ = TRY(daemon_supervisor::spawn(request));
    auditor.control_.emplace(std::move(control.first));
    TRY(auditor.introduce());
    return auditor;
  }

  Channel& records() { return *records_; }

  // Ends it as a supervisor does; it publishes what there is.
  Status stop() {
    records_.reset();
    control_.reset();
    pollfd ended{child_.pidfd.get(), POLLIN, 0};
    if (::poll(&ended, 1, static_cast<int>(kReadyMs)) != 1)
      return base::unavailable("the auditor does not end");
    const auto how = daemon_supervisor::reap(child_).how;
    return how == "exited with status 0" ? Status()
                                         : Status(base::unavailable("the auditor " + how));
  }

 private:
  Status introduce() {
    while (!std::holds_alternative<daemon_ipc::Ready>(TRY(next(*control_)))) continue;
    auto ends = TRY(Channel::create_pair());
    TRY(control_->send(daemon_ipc::AuditChannel{kWriter}, &ends.second));
    records_.emplace(std::move(ends.first));
    for (;;) {
      const auto message = TRY(next(*records_));
      const auto* state = std::get_if<daemon_ipc::AuditState>(&message);
      if (state == nullptr) continue;
      if (state->condition != daemon_ipc::AuditCondition::kAppending)
        return base::unavailable("the log fails: " + state->text);
      return {};
    }
  }

  static Result<daemon_ipc::Message> next(Channel& channel) {
    for (;;) {
      auto received = TRY(channel.receive());
      if (received) return std::move(received->message);
      pollfd readable{channel.fd(), POLLIN, 0};
      if (::poll(&readable, 1, static_cast<int>(kReadyMs)) != 1)
        return base::unavailable("the auditor says nothing");
    }
  }

  daemon_supervisor::Child child_;
  std::optional<Channel> control_;
  std::optional<Channel> records_;
};

struct Run {
  std::uint64_t records = 0;
  double seconds = 0;
  std::vector<double> waits_ms;

  double rate() const { return static_cast<double>(records) / seconds; }
};

// Sends what `due` permits until `until_ns`, then waits for what is on its way.
class Sender {
 public:
  Sender(Channel& channel, std::uint64_t first)
      : channel_(channel), next_(first), acknowledged_(first - 1) {}

  // At `rate` a second, or (0) as many as `window` permits.
  Result<Run> run(std::uint64_t rate, std::uint64_t window, std::int64_t duration_ns) {
    const std::int64_t begin = clock_.monotonic_ns();
    const std::uint64_t first = next_;
    Run result;
    bool full = false;
    for (std::int64_t now = begin;; now = clock_.monotonic_ns()) {
      const bool over = now - begin >= duration_ns;
      full = false;
      while (!over && !full && may_send(now - begin, rate, window, first)) {
        const std::int64_t due =
            rate == 0 ? now
                      : begin + static_cast<std::int64_t>((next_ - first) * 1'000'000'000 / rate);
        full = !TRY(send(due));
      }
      TRY(receive(result));
      if (over && due_.empty()) break;
      pollfd ready{channel_.fd(), static_cast<short>(POLLIN | (full ? POLLOUT : 0)), 0};
      (void)::poll(&ready, 1, due_.empty() || rate > 0 ? 1 : 1'000);
    }
    result.records = next_ - first;
    result.seconds = static_cast<double>(clock_.monotonic_ns() - begin) / 1e9;
    return result;
  }

  std::uint64_t next() const { return next_; }

 private:
  bool may_send(std::int64_t since, std::uint64_t rate, std::uint64_t window,
                std::uint64_t first) const {
    if (rate == 0) return due_.size() < window;
    return next_ - first < static_cast<std::uint64_t>(since) * rate / 1'000'000'000;
  }

  // False: the channel is full.
  Result<bool> send(std::int64_t due) {
    const Status sent = channel_.send(daemon_ipc::Append{
        next_, false, next_ % 2 == 0 ? "request.finished" : "request.admitted", make_body(next_)});
    if (!sent.ok() && sent.error().code == base::ErrorCode::kUnavailable) return false;
    TRY(sent);
    due_.push_back(due);
    ++next_;
    return true;
  }

  Status receive(Run& run) {
    for (;;) {
      const auto received = TRY(channel_.receive());
      if (!received) return {};
      const auto* appended = std::get_if<daemon_ipc::Appended>(&received->message);
      if (appended == nullptr) return base::unavailable("the log cannot be written");
      const std::int64_t now = clock_.monotonic_ns();
      for (; acknowledged_ < appended->through; ++acknowledged_) {
        run.waits_ms.push_back(static_cast<double>(now - due_.front()) / 1e6);
        due_.pop_front();
      }
    }
  }

  Channel& channel_;
  std::uint64_t next_;
  std::uint64_t acknowledged_;
  std::deque<std::int64_t> due_;  // of what is on its way
  base::SystemClock clock_;
};

Json describe(const Run& run) {
  return Json::object({{"records", run.records},
                       {"per_second", run.rate()},
                       {"p50_ms", percentile(run.waits_ms, 0.5)},
                       {"p99_ms", percentile(run.waits_ms, 0.99)},
                       {"max_ms", percentile(run.waits_ms, 1)}});
}

void print(const char* what, const Run& run) {
  fmt::print(
      "{:<34} {:>9.0f}/s   p50 {:>7.3f} ms   p99 {:>7.3f} ms   longest {:>7.3f} ms   {} records\n",
      what, run.rate(), percentile(run.waits_ms, 0.5), percentile(run.waits_ms, 0.99),
      percentile(run.waits_ms, 1), run.records);
}

Status prepare(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST)
    return base::io_error(errno, directory);
  const auto identity = daemon_supervisor::kAuditorIdentity;
  if (::geteuid() == 0 && ::chown(directory.c_str(), identity.uid, identity.gid) != 0)
    return base::io_error(errno, "chown " + directory);
  return {};
}

Result<bool> measure(const Options& options) {
  if (options.arguments().size() != 1) return base::invalid_input("audit wants one directory");
  const std::string directory = options.arguments()[0];
  const auto rate = TRY(options.number("--rate", 5'000));
  const auto seconds = TRY(options.number("--seconds", 20));
  const auto window = TRY(options.number("--window", 512));
  const std::int64_t duration_ns = static_cast<std::int64_t>(seconds) * 1'000'000'000;
  TRY(prepare(directory));
  auto auditor =
      TRY(Auditor::start(options.text("--redoubt", "build/release/daemon/redoubt"), directory));
  Sender sender(auditor.records(), 1);
  (void)TRY(sender.run(rate, window, 1'000'000'000));  // the first second, to warm up
  const Run paced = TRY(sender.run(rate, window, duration_ns));
  const Run flat_out = TRY(sender.run(0, window, duration_ns / 2));
  TRY(auditor.stop());
  print(fmt::format("{} records/s, on schedule", rate).c_str(), paced);
  print(fmt::format("as many as it takes, {} waiting", window).c_str(), flat_out);
  const std::string json = options.text("--json", "");
  if (!json.empty())
    TRY(base::replace_file(
        json,
        Json::object({{"paced", describe(paced)}, {"flat_out", describe(flat_out)}}).dump_pretty() +
            "\n",
        0644));
  const bool kept = paced.rate() >= 0.99 * static_cast<double>(rate);
  const bool quick = percentile(paced.waits_ms, 0.99) <= kLatencyMsMax;
  fmt::print("{}: {:.0f} of {} records/s durable, p99 {:.3f} ms of at most {} ms\n",
             kept && quick ? "reached" : "MISSED", paced.rate(), rate,
             percentile(paced.waits_ms, 0.99), kLatencyMsMax);
  return kept && quick;
}

}  // namespace

int run_append_bench(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  auto options =
      Options::parse(argc, argv, {"--redoubt", "--rate", "--seconds", "--window", "--json"});
  const auto reached = options.ok() ? measure(options.value()) : Result<bool>(options.error());
  if (reached.ok()) return reached.value() ? 0 : 1;
  fmt::print(stderr, "redoubt-bench audit: {}\n", reached.error().message);
  return 2;
}

}  // namespace bench
