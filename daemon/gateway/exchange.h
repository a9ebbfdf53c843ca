// One request on its way through the gateway: what the event loop and a worker know of it together.
//
// The event loop makes it when the request is complete, hands it to a worker and feeds it the
// engine's messages; the worker writes the answer into it. Whoever ends first leaves it to the
// other, hence shared_ptr.
#ifndef DAEMON_GATEWAY_EXCHANGE_H_
#define DAEMON_GATEWAY_EXCHANGE_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/gateway/client_peer.h"
#include "daemon/gateway/header_check.h"
#include "daemon/gateway/mailbox.h"
#include "daemon/gateway/routes.h"
#include "daemon/ipc/messages.h"

namespace daemon_gateway {

struct EngineLost {};   // there is no engine, and nobody should wait for one
struct Quarantined {};  // no engine is to see this request (again)

// What the tokens of an answer follow from besides the request: of the engine that admitted it.
struct AnswerMaker {
  std::string model_digest;
  std::string release_digest;  // empty: a bare model
  std::string kernels;
};

// What the engine says about one prompt of a request.
struct EngineNews {
  std::uint32_t prompt = 0;  // index among the request's prompts
  std::variant<daemon_ipc::Admitted, daemon_ipc::Refused, daemon_ipc::Events, EngineLost,
               Quarantined>
      what;
  std::uint32_t resumed = 0;              // engines that this prompt has had after the first
  std::optional<AnswerMaker> maker = {};  // with Admitted
};

// What has become of a record that a worker waits for.
struct Recorded {
  bool durable = false;  // else there was no room for it, and it was not kept
  std::optional<daemon_ipc::Proof> proof = {};
};

// Memory that news takes while it waits.
std::size_t held_bytes(const EngineNews& news);

class Exchange {
 public:
  // Set before it is shared, read-only afterwards; the body is the worker's.
  struct Request {
    std::uint64_t connection = 0;
    RequestHead head;
    RouteMatch route;
    std::string body;
    std::string key_id;  // empty on the open routes
    std::uint64_t tenant = 0;
    std::string id;  // x-request-id
    ClientPeer client;
    std::int64_t received_ns = 0;  // when it was complete (CLOCK_MONOTONIC)
    bool receipt = false;          // its client wants a proof of what is recorded
    bool keep_alive = true;
    bool draining = false;
  };

  Exchange(Request request, Mailbox& mailbox) : request_(std::move(request)), mailbox_(mailbox) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const { return request_; }
  std::string take_body() { return std::exchange(request_.body, {}); }

  // ---- worker

  // Appends to the answer; waits while the client is behind. False: the client is gone or too slow.
  bool write(std::string_view bytes);

  enum class Wait : std::uint8_t { kNews, kTimeout, kAborted };
  // Waits for the engine until `deadline_ns` (CLOCK_MONOTONIC).
  Wait wait_news(std::int64_t deadline_ns, EngineNews& out_news);

  // Waits for what becomes of the record reported last (Post::waits).
  Wait wait_recorded(std::int64_t deadline_ns, Recorded& out_recorded);

  // The request was reported as admitted, so that its end is to be reported too; for the worker
  // alone.
  void set_admitted(bool admitted) { admitted_ = admitted; }
  bool admitted() const { return admitted_; }

  bool aborted();
  // Nothing more will be written.
  void finish(bool keep_alive);

  // ---- event loop

  // Exchanges `spent`, now empty, for what is to be sent.
  void take_output(std::string& spent);
  // False when the worker is too far behind: the request is to be aborted.
  bool push_news(EngineNews news);
  void push_recorded(Recorded recorded);
  // The client is gone or the process ends: wakes the worker.
  void abort();

 private:
  Request request_;
  Mailbox& mailbox_;
  bool admitted_ = false;  // the worker's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::deque<EngineNews> news_;
  std::size_t news_bytes_ = 0;
  std::optional<Recorded> recorded_;
  bool aborted_ = false;
  bool announced_ = false;  // the event loop has been told about output_
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_EXCHANGE_H_
