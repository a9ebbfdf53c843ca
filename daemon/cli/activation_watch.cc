#include "daemon/cli/activation_watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <thread>

#include "daemon/cli/ask_service.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/json.h"
#include "provisioning/store/model_store.h"

namespace daemon_cli {
namespace {

constexpr int kTimeoutMs = 20'000;
constexpr auto kBetweenLooks = std::chrono::milliseconds(300);

std::string text_of(const base::Json& json, std::string_view key) {
  const base::Json* value = json.is_object() ? json.find(key) : nullptr;
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

std::int64_t number_of(const base::Json& json, std::string_view key) {
  const base::Json* value = json.is_object() ? json.find(key) : nullptr;
  return value != nullptr && value->is_int() ? value->as_int() : -1;
}

bool nobody_listens(const base::Error& error) {
  return error.sys_errno == ENOENT || error.sys_errno == ECONNREFUSED;
}

// One line that is drawn over and over, and cleared at the end.
class StateLine {
 public:
  StateLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}
  StateLine(const StateLine&) = delete;
  StateLine& operator=(const StateLine&) = delete;
  ~StateLine() {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }
  void show(const base::Json& activation) const {
    if (!terminal_) return;
    fmt::print(stderr, "\r\033[Kactivating: {} {}", text_of(activation, "state"),
               text_of(activation, "progress"));
    (void)std::fflush(stderr);
  }

 private:
  bool terminal_;
};

base::Result<Activated> wait_for(const std::string& socket, std::int64_t number) {
  const StateLine line;
  for (;;) {
    const base::Json activation =
        TRY(ask_service(socket, "activation", kTimeoutMs).context("while the model is tried"));
    if (number_of(activation, "number") != number)
      return base::unavailable("another activation took its place");
    const std::string state = text_of(activation, "state");
    if (state == "done") return Activated::kNow;
    if (state == "failed")
      return base::unavailable("not activated: " + text_of(activation, "error"));
    line.show(activation);
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace

base::Result<Activated> activate_model(const daemon_config::Config& config, const std::string& id,
                                       bool restart) {
  const daemon_supervisor::StatePaths paths(config);
  const auto answer =
      ask_service(paths.control_socket, "activate " + id + (restart ? " restart" : ""), kTimeoutMs);
  if (answer.ok()) {
    const std::string error = text_of(answer.value(), "error");
    if (!error.empty()) return base::unavailable("not activated: " + error);
    return wait_for(paths.control_socket, number_of(answer.value(), "activation"));
  }
  if (!nobody_listens(answer.error())) return answer.error();
  auto store = TRY(provisioning::ModelStore::open(paths.store));
  TRY(store.change_activation([&](provisioning::Activation& activation) {
    activation.propose(id);
    return true;
  }));
  return Activated::kAtNextStart;
}

}  // namespace daemon_cli
