// The gateway's end of the data channel (daemon/PROTOCOL.md section 4): sends prompts, hands each
// exchange its news, and holds the engine to the protocol. Belongs to the event loop's thread;
// never blocks.
#ifndef DAEMON_GATEWAY_ENGINE_LINK_H_
#define DAEMON_GATEWAY_ENGINE_LINK_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/gateway/engine_status.h"
#include "daemon/gateway/exchange.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/log.h"

namespace daemon_gateway {

class EngineLink {
 public:
  EngineLink(EngineStatus& status, const base::Logger& log) : status_(status), log_(log) {}

  // A new engine's channel; requests of the former one are lost.
  void connect(base::Fd channel);
  void set_state(daemon_ipc::EngineState state);

  // To be polled; -1 while there is no engine.
  int fd() const { return channel_ ? channel_->fd() : -1; }
  bool wants_write() const { return !outgoing_.empty(); }
  // Counts connect(): a new channel may have the number of the old one.
  std::uint64_t connections() const { return connections_; }
  // Poll says something happened: receives all that waits, sends what fits.
  void on_ready();

  // Sends the prompts; an exchange without an engine gets EngineLost at once.
  void submit(const std::shared_ptr<Exchange>& exchange, std::vector<Submission> prompts);
  // Cancels what is left of an exchange. Harmless when nothing is.
  void cancel(const Exchange& exchange);

  std::size_t live() const { return live_.size(); }

 private:
  struct Live {
    std::shared_ptr<Exchange> exchange;  // null once cancelled: what still comes is dropped
    std::uint32_t prompt = 0;
    std::uint32_t choices = 1;
    bool admitted = false;
    std::uint32_t unfinished = 1;
  };
  using LiveMap = std::unordered_map<std::uint64_t, Live>;

  base::Status take(daemon_ipc::Message message);
  base::Status take_hello(daemon_ipc::Hello hello);
  base::Status take_admitted(const daemon_ipc::Admitted& admitted);
  base::Status take_refused(daemon_ipc::Refused refused);
  base::Status take_events(daemon_ipc::Events events);
  void deliver(LiveMap::iterator live, EngineNews news);
  void drop(const Exchange& exchange);
  void flush();
  void lose(std::string reason);
  void publish();

  EngineStatus& status_;
  const base::Logger& log_;
  std::optional<daemon_ipc::Channel> channel_;
  std::optional<daemon_ipc::Hello> hello_;
  daemon_ipc::EngineState state_;
  std::uint64_t connections_ = 0;
  std::uint64_t next_id_ = 1;
  LiveMap live_;
  std::deque<daemon_ipc::Message> outgoing_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ENGINE_LINK_H_
