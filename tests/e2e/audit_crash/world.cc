#include "tests/e2e/audit_crash/world.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "tests/daemon/auditor/report_bodies.h"
#include "tests/e2e/audit_crash/auditor_process.h"
#include "tests/e2e/audit_crash/log_check.h"

namespace audit_crash {
namespace {

using base::Status;

constexpr int kPatienceMs = 20'000;
constexpr std::size_t kHeadsMax = 4;

// Shared with every auditor.
DeathPlan* shared_plan() {
  static DeathPlan* const plan = [] {
    void* memory = ::mmap(nullptr, sizeof(DeathPlan), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new (memory) DeathPlan;
  }();
  return plan;
}

// False: the channel has ended.
base::Result<bool> hear(daemon_ipc::Channel& channel, Writer& writer) {
  for (;;) {
    auto received = channel.receive();
    if (!received.ok()) return false;
    if (!received.value()) return true;
    TRY(writer.take(received.value()->message));
  }
}

}  // namespace

World::World(std::string directory, std::uint64_t seed)
    : directory_(std::move(directory)), random_(seed) {}

// ---- what is said

// A new service has new writers; where the auditor alone has died, they are the same.
void World::plan(const Life& life) {
  const bool new_service = std::exchange(service_ended_, false);
  if (new_service) {
    supervisor_ = writers_.size();
    writers_.emplace_back(++names_);
  }
  if (new_service || life.new_gateway) {
    writers_.emplace_back(++names_);
    open_requests_.clear();
  }
  for (int i = 0; i < life.reports; ++i) plan_one();
}

void World::plan_one() {
  Writer& gateway = this->gateway();
  const std::string name = fmt::format("req-{}", ++names_);
  const bool seals = below(8) == 0;
  const std::string sealed =
      seals ? name + std::string(1 + below(below(4) == 0 ? 300'000 : 3'000), 's') : "";
  switch (below(4)) {
    case 0:
      supervisor().plan({"health.changed", daemon_auditor::health_body(name), "", false});
      return;
    case 1:
      gateway.plan({"request.refused", daemon_auditor::refused_body(name), "", false});
      return;
    case 2:
      if (plan_finish(sealed)) return;
      [[fallthrough]];
    default:
      open_requests_.push_back(name);
      gateway.plan(
          {"request.admitted", daemon_auditor::admitted_body(name, sealed), sealed, below(4) == 0});
  }
}

// Of a request that this gateway said was admitted, to this auditor or to one before.
bool World::plan_finish(const std::string& sealed) {
  if (open_requests_.empty()) return false;
  const auto request =
      open_requests_.begin() + static_cast<std::ptrdiff_t>(below(open_requests_.size()));
  gateway().plan(
      {"request.finished", daemon_auditor::finished_body(*request, sealed), sealed, below(2) == 0});
  open_requests_.erase(request);
  return true;
}

// ---- an auditor's life

base::Result<Outcome> World::live(const Life& life) {
  plan(life);
  DeathPlan* const plan = shared_plan();
  plan->calls.store(0);
  plan->last = life.last_call;
  plan->death = life.death;
  auto ends = TRY(daemon_ipc::Channel::create_pair());
  const pid_t child = ::fork();
  if (child < 0) return base::io_error(errno, "fork");
  if (child == 0) {
    (void)ends.first.close();
    run_auditor(directory_, std::move(ends.second), supervisor().name(), plan);
  }
  TRY(ends.second.close());
  const auto served = serve(std::move(ends.first));
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return base::io_error(errno, "waitpid");
  if (!served.ok()) return served.error();
  service_ended_ = served.value();
  const int exited = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (exited != 0 && exited != kDied)
    return base::corrupt(fmt::format("the auditor ended with status {:#x}", status));
  if (exited == kDied && plan->last == 0) return base::corrupt("the auditor was killed");
  const bool finished = exited == 0;
  if (finished && !service_ended_)
    return base::corrupt("the auditor ended before everything was acknowledged");
  TRY(check(finished));
  return Outcome{!finished, plan->calls.load()};
}

// Until everything is acknowledged and so the end is asked for, or the auditor is gone.
base::Result<bool> World::serve(base::Fd control_end) {
  Writer& supervisor = this->supervisor();
  Writer& gateway = this->gateway();
  supervisor.begin();
  gateway.begin();
  daemon_ipc::Channel control(std::move(control_end));
  auto ends = TRY(daemon_ipc::Channel::create_pair());
  daemon_ipc::Channel channel(std::move(ends.first));
  if (!control.send(daemon_ipc::AuditChannel{gateway.name()}, &ends.second).ok()) return false;
  TRY(ends.second.close());
  while (!supervisor.done() || !gateway.done()) {
    pollfd fds[2] = {{control.fd(), POLLIN, 0}, {channel.fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, kPatienceMs);
    if (ready == 0) return base::unavailable("the auditor says nothing any more");
    // What it said before it died counts.
    const bool there = TRY(hear(control, supervisor)) & TRY(hear(channel, gateway));
    if (!there || !supervisor.send_some(control) || !gateway.send_some(channel)) {
      TRY(hear(control, supervisor));
      TRY(hear(channel, gateway));
      return false;
    }
  }
  return true;
}

Status World::check(bool finished) {
  std::vector<const Writer*> writers;
  for (const Writer& writer : writers_) writers.push_back(&writer);
  // Before its first checkpoint there is no log to check.
  if (::access((directory_ + "/key").c_str(), F_OK) != 0) {
    for (const Writer& writer : writers_) {
      if (writer.acknowledged() > 0) return base::corrupt("acknowledged without a log");
    }
    return {};
  }
  auto checked = TRY(check_log(directory_, writers, heads_, finished));
  heads_.push_back(std::move(checked.head));
  if (heads_.size() > kHeadsMax) heads_.erase(heads_.begin());
  records_ = checked.records;
  return {};
}

}  // namespace audit_crash
