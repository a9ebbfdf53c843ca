// What passes between the gateway and its supervisor: signs of life, the engine's state and
// channel, reloading, quarantine.
#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "daemon/gateway/gateway.h"
#include "daemon/gateway/limits.h"
#include "hardening/base/secret.h"
#include "hardening/base/utf8.h"

namespace daemon_gateway {

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

using base::invalid_input;
using base::Json;
using base::Status;

base::Result<TlsContext> take_tls(GatewayConfig& config) {
  auto tls = TlsContext::create({.certificate_pem = config.tls_certificate_pem,
                                 .private_key_pem = config.tls_private_key_pem,
                                 .tls_1_2 = config.tls_1_2});
  base::wipe(std::as_writable_bytes(std::span(config.tls_private_key_pem)));
  config.tls_private_key_pem.clear();
  return tls;
}

Status Gateway::read_control() {
  while (true) {
    auto received = control_.receive();
    if (!received.ok()) {
      if (received.error().code != base::ErrorCode::kIo) return std::move(received).error();
      supervisor_gone_ = true;
      return {};
    }
    if (!received.value()) return {};
    TRY(take_control(std::move(*received.value())));
  }
}

Status Gateway::take_control(daemon_ipc::Received received) {
  daemon_ipc::Message& message = received.message;
  if (std::holds_alternative<daemon_ipc::Ping>(message)) return send_alive();
  if (auto* state = std::get_if<daemon_ipc::EngineState>(&message)) {
    engines_.set_state(std::move(*state));
    return {};
  }
  const auto* peer = std::get_if<daemon_ipc::PeerChannel>(&message);
  if (peer != nullptr && received.fd.is_open()) {
    engines_.connect(peer->engine, std::move(received.fd));
    return {};
  }
  const auto* audit = std::get_if<daemon_ipc::AuditChannel>(&message);
  if (audit != nullptr && received.fd.is_open())
    return audit_link_.connect(audit->writer, std::move(received.fd));
  if (const auto* ended = std::get_if<daemon_ipc::EngineEnded>(&message)) {
    engines_.engine_ended(*ended);
    return {};
  }
  if (const auto* quarantine = std::get_if<daemon_ipc::Quarantine>(&message)) {
    provisioning::Sha256Digest digest;
    static_assert(sizeof digest == daemon_ipc::kDigestBytes);
    std::memcpy(digest.data(), quarantine->digest.data(), digest.size());
    engines_.quarantine(digest);
    return {};
  }
  if (std::holds_alternative<daemon_ipc::Reload>(message)) return reload(received.fd);
  if (auto* gpus = std::get_if<daemon_ipc::GpuMetrics>(&received.message)) {
    metrics_.set_gpus(std::move(gpus->text));
    return {};
  }
  if (const auto* drain = std::get_if<daemon_ipc::Drain>(&message);
      drain != nullptr && !draining_) {
    begin_drain(drain->timeout_ms);
    return {};
  }
  return invalid_input("the supervisor sent a message that is not permitted now");
}

// What the supervisor cannot take now waits for its next turn, in order.
Status Gateway::tell(daemon_ipc::Message message) {
  if (to_supervisor_.size() == kControlQueuedMax)
    return base::exhausted("the supervisor does not read");
  to_supervisor_.push_back(std::move(message));
  flush_control();
  return {};
}

// Whether the supervisor is gone is for receive() to find out.
void Gateway::flush_control() {
  while (!to_supervisor_.empty() && control_.send(to_supervisor_.front()).ok())
    to_supervisor_.pop_front();
}

Status Gateway::send_alive() {
  const AuditHealth audit = audit_.health();
  const Json stats = Json::object({{"connections", static_cast<std::int64_t>(clients_.size())},
                                   {"connections_accepted_total", accepted_total_},
                                   {"connections_turned_away_total", turned_away_total_},
                                   {"requests_running", static_cast<std::int64_t>(running_.size())},
                                   {"requests_total", requests_total_},
                                   {"engine_requests", static_cast<std::int64_t>(engines_.live())},
                                   {"resumed_total", engines_.resumed_total()},
                                   {"quarantined_total", engines_.quarantined_total()},
                                   {"reloads_total", reloads_total_},
                                   {"audit_usable", audit.usable},
                                   {"audit_pending", static_cast<std::int64_t>(audit.pending)},
                                   {"audit_records_total", audit.durable_total},
                                   {"body_bytes", static_cast<std::int64_t>(bodies_bytes_)}});
  // Never busy: a request waits for the engine, which is watched itself, or for its client, whom
  // deadlines watch. An answer that streams for an hour is no hang. What can hang here is this
  // loop, and then this answer does not come.
  return tell(daemon_ipc::Alive{.work = requests_total_, .busy = false, .stats = stats.dump()});
}

// What cannot change while workers run: how many of them there are, and the sockets.
Status Gateway::apply(GatewayConfig config) {
  if (config.listeners != config_.listeners) return invalid_input("listeners cannot change");
  if (config.requests_max != config_.requests_max)
    return invalid_input("limits.requests_max cannot change while the gateway runs");
  AuditPolicy policy = TRY(AuditPolicy::take(config));
  tls_ = TRY(take_tls(config));
  policies_.set(std::move(policy));
  config_ = std::move(config);  // connections have what they need of the old certificate
  admission_.set_key_slots(config_.requests_per_key_max);
  set_times();
  return {};
}

// Keys and certificate hold from the next request and handshake on; nothing that is under way
// notices.
Status Gateway::reload(const base::Fd& fd) {
  const auto applied = [this, &fd]() -> Status { return apply(TRY(read_gateway_config(fd))); }();
  if (applied.ok()) {
    ++reloads_total_;
    log_.notice("reloaded");
  } else {
    log_.error("reload refused, everything stays as it is", {{"why", applied.error().message}});
  }
  std::string text = applied.ok() ? "" : applied.error().message;
  text.resize(std::min(text.size(), daemon_ipc::kStateTextBytesMax));
  if (!base::is_utf8(text)) text = "the configuration is not understood";
  return tell(daemon_ipc::Reloaded{applied.ok(), std::move(text)});
}

void Gateway::begin_drain(std::uint32_t timeout_ms) {
  log_.notice("draining", {{"requests", static_cast<std::int64_t>(running_.size())},
                           {"timeout_ms", timeout_ms}});
  draining_ = true;  // newcomers are told so instead of being refused
  publish_load();
  drain_deadline_ns_ = clock_.monotonic_ns() + timeout_ms * kNsPerMs;
}

Status Gateway::tick_drain() {
  if (drained_) return {};
  if (clock_.monotonic_ns() >= drain_deadline_ns_)
    clients_.clear();  // their requests are cancelled
  const bool answering = std::any_of(clients_.begin(), clients_.end(), [](const auto& client) {
    return !client.second.connection->waiting_since_ns();
  });
  if (answering || !running_.empty()) return {};
  // An auditor that takes nothing is not usable for longer than a second.
  if (!all_recorded() && audit_.health().usable) return {};
  drained_ = true;
  listen(false);
  listeners_.clear();
  clients_.clear();
  return tell(daemon_ipc::Drained{});
}

Status Gateway::tell_quarantined() {
  for (const auto& digest : engines_.take_quarantined()) {
    TRY(tell(
        daemon_ipc::Quarantine{{reinterpret_cast<const char*>(digest.data()), digest.size()}}));
  }
  return {};
}

// Which channels are of no more use, and which model still has requests.
Status Gateway::tell_of_engines() {
  for (const std::uint64_t engine : engines_.take_wishes_for_introduction())
    TRY(tell(daemon_ipc::PeerLost{engine}));
  if (audit_link_.take_wish_for_introduction())
    TRY(tell(daemon_ipc::PeerLost{daemon_ipc::kAuditLink}));
  for (const daemon_ipc::Retiring& retiring : engines_.take_retirements()) TRY(tell(retiring));
  return {};
}

void Gateway::set_times() {
  times_.request_timeout_ms = config_.request_timeout_ms;
  times_.ping_interval_ms = config_.ping_interval_ms;
}

void Gateway::publish_load() {
  AuditHealth audit = audit_.health();
  engine_status_.set_load({draining_, admission_.full(), admission_.retry_after_s(), audit.usable,
                           std::move(audit.why)});
}

}  // namespace daemon_gateway
