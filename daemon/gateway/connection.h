// One client's connection: TLS, one request after another, and every deadline in between. Belongs
// to the event loop's thread.
//
//   kHandshake ─→ kHead ─→ kBody ─→ kWorking ─┬→ kHead (keep-alive)
//        │          └────────┴─ error ────────┴→ kFlush ─→ kLinger ─→ kClosed
//        └──────────────── reset or deadline, from anywhere ────────→ kClosed
//
// While a request is worked on, nothing is read: what a client sends ahead waits in the kernel.
#ifndef DAEMON_GATEWAY_CONNECTION_H_
#define DAEMON_GATEWAY_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/gateway/body_reader.h"
#include "daemon/gateway/client_peer.h"
#include "daemon/gateway/exchange.h"
#include "daemon/gateway/gateway_config.h"
#include "daemon/gateway/header_check.h"
#include "daemon/gateway/tls_session.h"
#include "hardening/base/clock.h"
#include "hardening/base/fd.h"

namespace daemon_gateway {

// What a connection asks of the event loop.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;

  virtual const GatewayConfig& config() const = 0;
  virtual const base::Clock& clock() const = 0;
  virtual bool draining() const = 0;
  // Whether `bytes` more of request bodies may be held; body_released gives them back.
  virtual bool body_reserved(std::size_t bytes) = 0;
  virtual void body_released(std::size_t bytes) = 0;
  // A request of this key is about to be read whose body needs a request slot: 503 or 429 when
  // there is none for it.
  virtual ApiStatus slot_available(std::uint64_t tenant) = 0;
  // Seconds after which one probably is.
  virtual std::uint32_t retry_after_s() const = 0;
  // A request of a valid key got an error before there was an exchange.
  virtual void refused(const Exchange::Request& request, const ApiError& error) = 0;
  // No key, or none that counts: `reason` is a literal.
  virtual void auth_failed(const ClientPeer& client, const RequestHead& head,
                           std::string_view reason) = 0;
  // A request is complete. The exchange ends with Connection::on_done(), or its abort.
  virtual ApiResult<std::shared_ptr<Exchange>> start(Exchange::Request request) = 0;
  // The client of this exchange is gone.
  virtual void client_gone(Exchange& exchange) = 0;
};

class Connection {
 public:
  Connection(std::uint64_t id, base::Fd socket, TlsSession tls, ClientPeer peer,
             ConnectionHost& host);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::uint64_t id() const { return id_; }
  int fd() const { return socket_.get(); }

  void on_ready(std::uint32_t epoll_events);
  void on_output() { flush(); }   // the worker wrote
  void on_done(bool keep_alive);  // the worker has left the request
  void on_tick();                 // looks at the deadlines
  void on_drain();                // closes now if no request is under way

  bool closed() const { return state_ == State::kClosed; }
  std::uint32_t wanted_events() const;  // for epoll
  // Since when it has had no request under way; nothing while it has one.
  std::optional<std::int64_t> waiting_since_ns() const;
  // Since when it has been of no use to anybody who has a key: it waits for a request, or holds an
  // answer that its client does not read. Nothing while a keyholder's request is under way.
  std::optional<std::int64_t> expendable_since_ns() const;

 private:
  enum class State : std::uint8_t { kHandshake, kHead, kBody, kWorking, kFlush, kLinger, kClosed };

  void enter(State state, std::uint32_t timeout_ms);
  void handshake();
  void read_some();
  void on_end_of_input();
  void take_input(std::string_view bytes);
  void advance();
  ApiStatus read_head();
  ApiStatus read_body();
  ApiStatus authorize(RequestHead& head);
  ApiError unauthorized_for(const RequestHead& head, std::string_view reason);
  ApiStatus read_receipt(const RequestHead& head);
  ApiStatus begin_request();
  void finish_response();
  void flush();
  bool write_pending();
  void probe_half_closed();
  void refuse(const ApiError& error);
  void linger();
  void drain_lingering();
  void close(bool politely);
  void release_body();

  const std::uint64_t id_;
  base::Fd socket_;
  TlsSession tls_;
  ClientPeer peer_;
  ConnectionHost& host_;

  State state_ = State::kHandshake;
  std::int64_t since_ns_;         // when this state began
  std::int64_t deadline_ns_ = 0;  // 0: none
  bool tls_wants_write_ = false;
  bool half_closed_ = false;  // the client sends no more, but may still read
  std::int64_t next_probe_ns_ = 0;

  std::string input_;  // received, not yet used
  HeadScanner scanner_;
  std::optional<Exchange::Request> request_;
  std::string request_id_;  // of the request being read or answered
  BodyReader body_;
  std::size_t body_held_ = 0;  // reserved with the host
  std::uint32_t requests_ = 0;

  std::shared_ptr<Exchange> exchange_;  // while kWorking
  bool worker_done_ = false;
  bool keep_alive_ = false;

  std::string sending_;  // being written
  std::size_t sent_ = 0;
  std::int64_t write_deadline_ns_ = 0;  // 0: nothing is waiting to be written
  std::size_t write_progress_ = 0;      // since that deadline was set
  std::size_t lingered_ = 0;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_CONNECTION_H_
