#include "daemon/importer/importer_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "daemon/ipc/channel.h"
#include "daemon/supervisor/sealed_memfd.h"
#include "daemon/supervisor/spawn.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"

namespace daemon_importer {
namespace {

using base::Status;

constexpr int kDescriptors = 8;

std::int64_t now_ms() {
  return base::SystemClock().monotonic_ns() / 1'000'000;
}

// A process that is dead and collected when this is dropped.
class Process {
 public:
  explicit Process(daemon_supervisor::Child child) : child_(std::move(child)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { (void)end(); }

  int exit_fd() const { return child_.pidfd.get(); }

  // Kills it if it still runs; how it ended.
  std::string end() {
    if (collected_) return how_;
    (void)::syscall(SYS_pidfd_send_signal, child_.pidfd.get(), SIGKILL, nullptr, 0);
    return wait();
  }
  // It has closed its channel: it is ending, or not.
  std::string wait() {
    if (collected_) return how_;
    pollfd ended{child_.pidfd.get(), POLLIN, 0};
    while (::poll(&ended, 1, kEndsWithinMs) < 0 && errno == EINTR) continue;
    if (ended.revents == 0)
      (void)::syscall(SYS_pidfd_send_signal, child_.pidfd.get(), SIGKILL, nullptr, 0);
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) continue;
    how_ = daemon_supervisor::reap(child_).how;
    collected_ = true;
    return how_;
  }

 private:
  static constexpr int kEndsWithinMs = 5'000;

  daemon_supervisor::Child child_;
  std::string how_;
  bool collected_ = false;
};

// When to give up.
class Patience {
 public:
  explicit Patience(std::int64_t now) : progress_at_(now), started_at_(now) {}

  // It is confined, and begins to read.
  void confined(std::int64_t now) {
    confined_ = true;
    progress_at_ = started_at_ = now;
  }

  void started(std::int64_t now, std::uint64_t bytes) {
    const auto by_size =
        static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, std::uint64_t{1} << 60)) /
        kBytesPerMs;
    all_ms_ = kSyncMs + by_size;
    progress_at_ = started_at_ = now;
  }
  void heard(std::int64_t now, const Progress& progress) {
    if (progress.done == done_ && progress.what == what_) return;
    done_ = progress.done;
    what_ = progress.what;
    progress_at_ = now;
  }

  std::int64_t left_ms(std::int64_t now) const {
    const std::int64_t silence = !confined_          ? kConfinedMs
                                 : what_ == kSyncing ? kSyncMs
                                                     : kSilenceMs;
    return std::max<std::int64_t>(0, std::min(progress_at_ + silence, started_at_ + all_ms_) - now);
  }
  std::string why(std::int64_t now) const {
    if (!confined_) return fmt::format("the importer is not ready after {} s", kConfinedMs / 1'000);
    if (now >= started_at_ + all_ms_) {
      return fmt::format("not done after {} s: the medium is too slow", all_ms_ / 1'000);
    }
    return what_ == kSyncing ? "the disk of the store does not answer"
                             : fmt::format("the medium does not answer: nothing came for {} s",
                                           kSilenceMs / 1'000);
  }

 private:
  static constexpr std::string_view kSyncing = "syncing";

  std::int64_t progress_at_;
  std::int64_t started_at_;
  std::int64_t all_ms_ = kSilenceMs;  // for signatures and directories
  bool confined_ = false;
  std::uint64_t done_ = 0;
  std::string what_;
};

base::Result<daemon_supervisor::Child> launch(const ImporterConfig& config,
                                              const ImporterDescriptors& descriptors,
                                              const base::Fd& channel) {
  const base::Fd executable = TRY(base::open_file("/proc/self/exe", O_PATH));
  const base::Fd null = TRY(base::open_file("/dev/null", O_RDWR));
  const base::Fd text =
      TRY(daemon_supervisor::create_sealed_memfd("importer-config", config.serialize()));
  daemon_supervisor::SpawnRequest request;
  request.executable = executable.get();
  request.arguments = {"redoubt",
                       "role",
                       "importer",
                       fmt::format("--uid={}", kImporterIdentity.uid),
                       fmt::format("--gid={}", kImporterIdentity.gid),
                       fmt::format("--descriptors={}", kDescriptors)};
  request.descriptors = {null.get(),
                         null.get(),
                         STDERR_FILENO,
                         channel.get(),
                         text.get(),
                         descriptors.medium.get(),
                         descriptors.staging.get(),
                         descriptors.objects.get()};
  request.identity = kImporterIdentity;
  return daemon_supervisor::spawn(request);
}

// Takes what has come; the result, once it is there.
base::Result<std::optional<ImportResult>> take_messages(const base::Fd& channel, Patience& patience,
                                                        const ImporterHooks& hooks,
                                                        bool& out_started) {
  for (;;) {
    auto message = TRY(receive(channel));
    if (!message) return std::optional<ImportResult>();
    if (auto* result = std::get_if<ImportResult>(&*message))
      return std::optional(std::move(*result));
    if (const auto* progress = std::get_if<Progress>(&*message)) {
      if (!out_started && progress->total != 0)
        return base::invalid_input("progress before there was anything to do");
      if (!out_started) {
        patience.confined(now_ms());
        continue;
      }
      patience.heard(now_ms(), *progress);
      if (hooks.progress) hooks.progress(*progress);
    } else if (const auto* started = std::get_if<Started>(&*message)) {
      if (std::exchange(out_started, true)) return base::invalid_input("started twice");
      patience.started(now_ms(), started->bytes);
      if (hooks.started && !hooks.started(*started)) return base::cancelled("not wanted any more");
    }
  }
}

}  // namespace

base::Result<ImportResult> run_importer(const ImporterConfig& config,
                                        const ImporterDescriptors& descriptors,
                                        const ImporterHooks& hooks) {
  auto ends = TRY(daemon_ipc::Channel::create_pair());
  Process process(TRY(launch(config, descriptors, ends.second)));
  TRY(ends.second.close());
  Patience patience(now_ms());
  bool started = false;
  for (;;) {
    auto taken = take_messages(ends.first, patience, hooks, started);
    if (!taken.ok()) {
      const base::Error& error = taken.error();
      if (error.code == base::ErrorCode::kCancelled) return error;
      // It has gone, or it must: nothing that makes no sense is waited for.
      const std::string how = error.code == base::ErrorCode::kIo ? process.wait() : process.end();
      return base::corrupt(
          fmt::format("the importer ended without a result ({}): {}", how, error.message));
    }
    if (taken.value()) return std::move(*taken.value());
    const std::int64_t left = patience.left_ms(now_ms());
    if (left == 0) {
      const std::string why = patience.why(now_ms());
      (void)process.end();
      return base::unavailable(why);
    }
    pollfd wait{ends.first.get(), POLLIN, 0};
    (void)::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
  }
}

}  // namespace daemon_importer
