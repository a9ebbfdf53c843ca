// The engine's end of the data channel: what is to be sent waits here until the gateway reads, within a bound.
#ifndef DAEMON_ENGINE_GATEWAY_LINK_H_
#define DAEMON_ENGINE_GATEWAY_LINK_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>

#include "daemon/ipc/channel.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "runtime/engine/request.h"
#include "runtime/tokenizer/tokenizer.h"

namespace daemon_engine {

class GatewayLink {
 public:
  // A new gateway's channel; what waited for the former one is dropped.
  void connect(base::Fd channel);
  void disconnect();

  bool connected() const { return channel_.has_value(); }
  // To be polled; -1 while there is no gateway.
  int fd() const { return channel_ ? channel_->fd() : -1; }
  bool wants_write() const { return !outgoing_.empty(); }
  // Whether enough waits already: compute nothing more until some of it was read.
  bool is_full() const;

  // Queues a message; dropped while there is no gateway.
  void send(daemon_ipc::Message message);
  // Sends what fits. An error means that the gateway is gone.
  base::Status flush();
  // The next message, or nothing when none waits. An error means that the gateway is gone or broke the protocol.
  base::Result<std::optional<daemon_ipc::Message>> receive();

 private:
  struct Waiting {
    daemon_ipc::Message message;
    std::size_t bytes;
  };

  std::optional<daemon_ipc::Channel> channel_;
  std::deque<Waiting> outgoing_;
  std::size_t outgoing_bytes_ = 0;
};

// The longest beginning of at most bytes_max that does not cut a character in two. The text is UTF-8.
std::string_view whole_characters(std::string_view text, std::size_t bytes_max);

// Gathers the events of a step into messages: one request each, filled up to kEventsBytesGoal.
class EventPacker {
 public:
  EventPacker(const runtime::Tokenizer& tokenizer, GatewayLink& link) : tokenizer_(tokenizer), link_(link) {}

  void add(const runtime::GenerationEvent& event);
  // Sends what is gathered. After every step.
  void flush();

 private:
  daemon_ipc::EventLogprob describe(const runtime::TokenLogprob& logprob) const;
  void append(daemon_ipc::Event event);

  const runtime::Tokenizer& tokenizer_;
  GatewayLink& link_;
  daemon_ipc::Events pending_;
  std::size_t pending_bytes_ = 0;
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_GATEWAY_LINK_H_
