// An auditor played over the real channel, with every way of letting its writer down: it holds what
// comes, says that it fails, goes away. What was appended outlives it, as the log on disk does.
#ifndef TESTS_DAEMON_GATEWAY_FAKE_AUDITOR_H_
#define TESTS_DAEMON_GATEWAY_FAKE_AUDITOR_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/ipc/channel.h"
#include "hardening/base/json.h"

namespace daemon_gateway {

// What is durable.
class AuditorLog {
 public:
  struct Entry {
    std::uint64_t number = 0;
    std::string type;
    base::Json body;
    std::string sealed;
    bool prove = false;
  };

  std::vector<Entry> entries() const;
  std::vector<Entry> of_type(const std::string& type) const;
  std::size_t count(const std::string& type) const { return of_type(type).size(); }
  std::uint64_t through() const { return entries().size(); }
  void append(Entry entry);

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // number i + 1 at i
};

class FakeAuditor {
 public:
  FakeAuditor(base::Fd channel, AuditorLog& log);
  ~FakeAuditor();  // goes away, whatever waits
  FakeAuditor(const FakeAuditor&) = delete;
  FakeAuditor& operator=(const FakeAuditor&) = delete;

  // Appends nothing while held; what came meanwhile is appended afterwards.
  void hold(bool on) { held_ = on; }
  // Appends at once, but does not say so any more.
  void fall_silent() { silent_ = true; }
  void say_failing(bool failing, const std::string& why = "");

  std::size_t received() const { return received_; }  // records, on this channel
  std::size_t waiting() const { return waiting_count_; }
  std::string breach() const;  // of the protocol by its writer; empty: none

 private:
  void run();
  void take(daemon_ipc::Message message);
  void append_waiting();
  void send(const daemon_ipc::Message& message);
  void note(std::string breach);

  daemon_ipc::Channel channel_;
  AuditorLog& log_;
  std::uint64_t next_;  // number that has to come
  std::vector<AuditorLog::Entry> waiting_;
  std::string pieces_;
  std::atomic<bool> held_ = false;
  std::atomic<bool> silent_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> failing_ = 0;
  int failing_said_ = 0;
  std::atomic<std::size_t> received_ = 0;
  std::atomic<std::size_t> waiting_count_ = 0;
  mutable std::mutex mutex_;
  std::string why_;
  std::string breach_;
  std::thread thread_;
};

}  // namespace daemon_gateway

#endif  // TESTS_DAEMON_GATEWAY_FAKE_AUDITOR_H_
