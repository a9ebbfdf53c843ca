// An auditor on a thread of its own, with the test as its supervisor and its gateways.
#ifndef TESTS_DAEMON_AUDITOR_AUDITOR_FIXTURE_H_
#define TESTS_DAEMON_AUDITOR_AUDITOR_FIXTURE_H_

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "daemon/auditor/auditor.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/clock.h"
#include "hardening/base/log.h"
#include "tests/daemon/auditor/report_bodies.h"

namespace daemon_auditor {

inline constexpr std::uint64_t kSupervisor = 900;
inline constexpr int kPatienceMs = 5'000;

// The other end of a channel of the auditor's.
class Peer {
 public:
  explicit Peer(base::Fd end) : channel_(std::move(end)) {}

  base::Status send(const daemon_ipc::Message& message, const base::Fd* fd = nullptr) {
    return channel_.send(message, fd);
  }
  void append(std::uint64_t number, const std::string& type, const std::string& body,
              bool prove = false) {
    EXPECT_TRUE(send(daemon_ipc::Append{number, prove, type, body}).ok()) << number;
  }
  void refuse_request(std::uint64_t number) { append(number, "request.refused", refused_body()); }
  void admit(std::uint64_t number, const std::string& request, bool prove = false) {
    append(number, "request.admitted", admitted_body(request), prove);
  }
  void finish(std::uint64_t number, const std::string& request, bool prove = false) {
    append(number, "request.finished", finished_body(request), prove);
  }

  // The next message; nothing when none comes, or the channel has ended.
  std::optional<daemon_ipc::Message> next(int patience_ms = kPatienceMs) {
    pollfd fd{channel_.fd(), POLLIN, 0};
    if (::poll(&fd, 1, patience_ms) != 1) return std::nullopt;
    auto received = channel_.receive();
    if (!received.ok() || !received.value()) return std::nullopt;
    return std::move(received.value()->message);
  }
  // The next message of that kind; others are passed over.
  template <typename T>
  std::optional<T> expect() {
    while (auto message = next()) {
      if (auto* wanted = std::get_if<T>(&*message)) return std::move(*wanted);
    }
    ADD_FAILURE() << "the message never came";
    return std::nullopt;
  }
  // Waits until that much is acknowledged; how much is.
  std::uint64_t acknowledged(std::uint64_t through) {
    while (last_through_ < through) {
      const auto appended = expect<daemon_ipc::Appended>();
      if (!appended) return last_through_;
      last_through_ = appended->through;
    }
    return last_through_;
  }
  bool ended() {
    pollfd fd{channel_.fd(), POLLIN, 0};
    while (::poll(&fd, 1, kPatienceMs) == 1) {
      if (!channel_.receive().ok()) return true;
    }
    return false;
  }

 private:
  daemon_ipc::Channel channel_;
  std::uint64_t last_through_ = 0;
};

class AuditorTest : public testing::Test {
 protected:
  // `log` null: it was refused.
  void start(std::unique_ptr<daemon_audit::AuditLog> log) {
    auto ends = daemon_ipc::Channel::create_pair().value();
    supervisor_.emplace(std::move(ends.first));
    auditor_ = std::make_unique<Auditor>(
        Auditor::Parts{std::move(log), "the log is damaged", clock_, logger_},
        daemon_ipc::Channel(std::move(ends.second)), kSupervisor);
    thread_ = std::thread([this] {
      result_ = auditor_->run(base::Json::object({{"a", 1}}));
      auditor_.reset();  // closes its channels, as the end of its process would
    });
  }
  // Ends the control channel; what the auditor ended with.
  base::Status stop() {
    supervisor_.reset();
    return wait();
  }
  base::Status wait() {
    if (thread_.joinable()) thread_.join();
    return result_;
  }
  void TearDown() override { (void)stop(); }

  Peer connect(std::uint64_t writer) {
    auto ends = daemon_ipc::Channel::create_pair().value();
    EXPECT_TRUE(supervisor_->send(daemon_ipc::AuditChannel{writer}, &ends.second).ok());
    return Peer(std::move(ends.first));
  }

  base::SystemClock clock_;
  base::Logger logger_{"auditor", base::LogLevel::kError};
  std::optional<Peer> supervisor_;
  std::unique_ptr<Auditor> auditor_;
  std::thread thread_;
  base::Status result_;
};

}  // namespace daemon_auditor

#endif  // TESTS_DAEMON_AUDITOR_AUDITOR_FIXTURE_H_
