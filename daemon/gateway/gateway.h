// The event loop of the gateway role: one thread that owns the listening sockets, every connection,
// the channels to the engine, to the auditor and to the supervisor; workers (worker_pool.h) do what
// takes time.
#ifndef DAEMON_GATEWAY_GATEWAY_H_
#define DAEMON_GATEWAY_GATEWAY_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/gateway/admission.h"
#include "daemon/gateway/api_handler.h"
#include "daemon/gateway/audit_link.h"
#include "daemon/gateway/audit_policy.h"
#include "daemon/gateway/connection.h"
#include "daemon/gateway/engine_links.h"
#include "daemon/gateway/engine_status.h"
#include "daemon/gateway/gateway_config.h"
#include "daemon/gateway/mailbox.h"
#include "daemon/gateway/metrics.h"
#include "daemon/gateway/poller.h"
#include "daemon/gateway/refusal_log.h"
#include "daemon/gateway/tls_context.h"
#include "daemon/gateway/worker_pool.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/clock.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"

namespace daemon_gateway {

struct GatewayParts {
  GatewayConfig config;
  base::Fd control;
  std::vector<base::Fd> listeners;  // listening; made non-blocking here
  // Keeps the records instead of the auditor: null but in benchmarks.
  std::unique_ptr<AuditSink> audit_sink = nullptr;
};

// A context of the configuration's certificate. The private key leaves the configuration: OpenSSL
// has its own copy.
base::Result<TlsContext> take_tls(GatewayConfig& config);

class Gateway final : public ConnectionHost {
 public:
  // Starts all threads there will ever be. The clock and the log outlive the gateway.
  static base::Result<std::unique_ptr<Gateway>> create(GatewayParts parts, const base::Clock& clock,
                                                       const base::Logger& log);
  ~Gateway() override;

  // Tells the supervisor that we are ready, then serves until its channel ends. An Error when it
  // breaks the protocol.
  base::Status run(base::Json report);

 private:
  // A request that a worker has.
  struct Running {
    std::shared_ptr<Exchange> exchange;
    std::int64_t since_ns = 0;
    bool admitted = false;  // is on its way into the audit log as that, and its end is not
  };
  struct Client {
    std::unique_ptr<Connection> connection;
    std::uint32_t armed = 0;  // what epoll was told
  };

  Gateway(GatewayParts parts, TlsContext tls, Mailbox mailbox, Poller poller,
          const base::Clock& clock, const base::Logger& log);
  base::Status start();

  // ConnectionHost
  const GatewayConfig& config() const override { return config_; }
  const base::Clock& clock() const override { return clock_; }
  bool draining() const override { return draining_; }
  bool body_reserved(std::size_t bytes) override;
  void body_released(std::size_t bytes) override { bodies_bytes_ -= bytes; }
  ApiStatus slot_available(std::uint64_t tenant) override;
  std::uint32_t retry_after_s() const override { return admission_.retry_after_s(); }
  void refused(const Exchange::Request& request, const ApiError& error) override;
  void auth_failed(const ClientPeer& client, const RequestHead& head,
                   std::string_view reason) override;
  ApiResult<std::shared_ptr<Exchange>> start(Exchange::Request request) override;
  void client_gone(Exchange& exchange) override;

  base::Status turn();
  void on_client(std::uint64_t id, std::uint32_t events);
  void accept_some(int listener);
  void admit(base::Fd socket, ClientPeer peer);
  bool make_room();
  void settle(std::uint64_t id);
  void read_mail();
  void finish(std::uint64_t connection, bool keep_alive);
  base::Status read_control();
  base::Status take_control(daemon_ipc::Received received);
  base::Status tell(daemon_ipc::Message message);
  void flush_control();
  base::Status send_alive();
  base::Status reload(const base::Fd& config);
  base::Status apply(GatewayConfig config);
  base::Status tell_quarantined();
  base::Status tell_of_engines();
  void publish_load();
  void report(Post post);
  void refuse(const Exchange::Request& request, int status, std::string code);
  void record(Refusal refusal);
  void watch_audit();
  void on_audit();
  void tick_audit();
  bool all_recorded() const;
  void set_times();
  void watch_engines();
  void begin_drain(std::uint32_t timeout_ms);
  base::Status tick();
  base::Status tick_drain();
  void listen(bool on);
  void listen_when_introduced();

  GatewayConfig config_;
  TlsContext tls_;
  const base::Clock& clock_;
  const base::Logger& log_;
  daemon_ipc::Channel control_;
  std::vector<base::Fd> listeners_;
  Mailbox mailbox_;
  std::deque<daemon_ipc::Message> to_supervisor_;  // not sent yet
  Poller poller_;
  EngineStatus engine_status_;
  EngineLinks engines_;
  Admission admission_;
  GenerationTimes times_;
  AuditPolicies policies_;
  Metrics metrics_;
  AuditLink audit_link_;
  std::unique_ptr<AuditSink> other_sink_;
  AuditSink& audit_;  // one of the two
  RefusalLog refusals_;
  ApiHandler handler_;
  std::unordered_map<std::uint64_t, Client> clients_;
  std::unordered_map<std::uint64_t, Running> running_;  // by connection; until the worker is done
  WorkerPool workers_;                                  // after what its threads use

  std::uint64_t next_client_;
  std::int64_t next_tick_ns_ = 0;
  std::int64_t listen_by_ns_ = 0;     // introduced to the engine or not
  std::int64_t listen_again_ns_ = 0;  // after an accept that failed
  std::uint64_t audit_watched_ = 0;   // the connection that epoll knows (AuditLink::connections),
  std::uint32_t audit_armed_ = 0;     // and for what
  std::int64_t audit_failing_since_ns_ = 0;  // 0: it does not fail
  std::size_t bodies_bytes_ = 0;
  std::uint64_t requests_total_ = 0;
  std::uint64_t accepted_total_ = 0;
  std::uint64_t turned_away_total_ = 0;
  std::uint64_t reloads_total_ = 0;
  bool listening_ = false;
  bool supervisor_gone_ = false;
  bool draining_ = false;
  bool drained_ = false;
  std::int64_t drain_deadline_ns_ = 0;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_GATEWAY_H_
