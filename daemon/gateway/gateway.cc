#include "daemon/gateway/gateway.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <span>
#include <utility>

#include "daemon/gateway/limits.h"
#include "hardening/base/memory_reserve.h"
#include "hardening/base/secret.h"

namespace daemon_gateway {
namespace {

using base::invalid_input;
using base::Json;
using base::Status;

// The numbers epoll knows descriptors by; clients follow.
constexpr std::uint64_t kControl = 0;
constexpr std::uint64_t kMail = 1;
constexpr std::uint64_t kFirstEngine = 2;
constexpr std::uint64_t kAudit = 8;
constexpr std::uint64_t kFirstListener = 16;
constexpr std::uint64_t kFirstClient = 64;
static_assert(kFirstEngine + EngineLinks::kPlaces <= kAudit);

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kAcceptsPerTurn = 64;
// Beyond one worker per request slot: for models, health and readiness, which wait for nobody.
constexpr std::size_t kQuickWorkers = 2;

Status make_nonblocking(const base::Fd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return base::io_error(errno, "fcntl");
  return {};
}

}  // namespace

Gateway::Gateway(GatewayParts parts, TlsContext tls, Mailbox mailbox, Poller poller,
                 const base::Clock& clock, const base::Logger& log)
    : config_(std::move(parts.config)),
      tls_(std::move(tls)),
      clock_(clock),
      log_(log),
      control_(std::move(parts.control)),
      listeners_(std::move(parts.listeners)),
      mailbox_(std::move(mailbox)),
      poller_(std::move(poller)),
      engines_(engine_status_, clock, log),
      admission_(config_.requests_max, config_.requests_per_key_max),
      audit_link_(clock, log),
      other_sink_(std::move(parts.audit_sink)),
      audit_(other_sink_ ? *other_sink_ : audit_link_),
      handler_({engine_status_, mailbox_, clock, log, times_, policies_, metrics_}),
      workers_(handler_),
      next_client_(kFirstClient) {
  set_times();
}

Gateway::~Gateway() {
  clients_.clear();
  for (const auto& [id, running] : running_) running.exchange->abort();
}

base::Result<std::unique_ptr<Gateway>> Gateway::create(GatewayParts parts, const base::Clock& clock,
                                                       const base::Logger& log) {
  if (parts.listeners.size() != parts.config.listeners) {
    return invalid_input(
        "the configuration names another number of listening sockets than there are");
  }
  TlsContext tls = TRY(take_tls(parts.config));
  AuditPolicy policy = TRY(AuditPolicy::take(parts.config));
  Mailbox mailbox = TRY(Mailbox::create());
  Poller poller = TRY(Poller::create());
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(parts), std::move(tls), std::move(mailbox),
                                               std::move(poller), clock, log));
  gateway->policies_.set(std::move(policy));
  TRY(gateway->start());
  return gateway;
}

Status Gateway::start() {
  TRY(poller_.add(control_.fd(), kControl, EPOLLIN));
  TRY(poller_.add(mailbox_.fd(), kMail, EPOLLIN));
  for (const base::Fd& listener : listeners_) TRY(make_nonblocking(listener));
  clients_.reserve(config_.connections_max);
  return workers_.start(config_.requests_max + kQuickWorkers);
}

Status Gateway::run(Json report) {
  report.set("workers", static_cast<std::int64_t>(config_.requests_max + kQuickWorkers));
  report.set("connections_max", config_.connections_max);
  TRY(control_.send(daemon_ipc::Ready{report.dump()}));
  listen_by_ns_ = clock_.monotonic_ns() + kIntroductionMs * kNsPerMs;
  while (!supervisor_gone_) TRY(turn());
  return {};
}

Status Gateway::turn() {
  watch_engines();
  watch_audit();
  listen_when_introduced();
  const bool idle =
      clients_.empty() && running_.empty() && !draining_ && listening_ && all_recorded();
  for (const epoll_event& event : poller_.wait(idle ? -1 : static_cast<int>(kTickMs))) {
    const std::uint64_t number = event.data.u64;
    if (number == kControl) {
      TRY(read_control());
    } else if (number == kMail) {
      read_mail();
    } else if (number < kFirstEngine + EngineLinks::kPlaces) {
      engines_.on_ready(number - kFirstEngine);
    } else if (number == kAudit) {
      on_audit();
    } else if (number < kFirstClient) {
      accept_some(static_cast<int>(number - kFirstListener));
    } else {
      on_client(number, event.events);
    }
  }
  if (audit_link_.forgotten())
    return base::invalid_input("the auditor has begun another log, in which we are nobody");
  TRY(tell_quarantined());
  TRY(tell_of_engines());
  flush_control();
  return tick();
}

// ---- clients ------------------------------------------------------------------------------------

void Gateway::listen(bool on) {
  if (on == listening_) return;
  listening_ = on;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (!on) {
      poller_.remove(listeners_[i].get());
      continue;
    }
    const Status added = poller_.add(listeners_[i].get(), kFirstListener + i, EPOLLIN);
    if (added.ok()) continue;
    log_.error("cannot listen yet", {{"why", added.error().message}});
    for (std::size_t k = 0; k < i; ++k) poller_.remove(listeners_[k].get());
    listening_ = false;
    listen_again_ns_ = clock_.monotonic_ns() + kTickMs * kNsPerMs;
    return;
  }
}

// Who comes while a gateway is replaced waits in the listening socket, not for a 503.
void Gateway::listen_when_introduced() {
  if (drained_ || listening_ || clock_.monotonic_ns() < listen_again_ns_) return;
  const bool introduced = !engines_.expected() && audit_.health().usable;
  if (introduced || clock_.monotonic_ns() >= listen_by_ns_) listen(true);
}

void Gateway::accept_some(int listener) {
  for (std::size_t i = 0; i < kAcceptsPerTurn && listening_; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    base::Fd socket(::accept4(listeners_[static_cast<std::size_t>(listener)].get(),
                              reinterpret_cast<sockaddr*>(&address), &size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.is_open()) {
      admit(std::move(socket), peer_of(address));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) {  // no descriptor is left: look again at the next tick, not at once
      log_.warning("accept failed", {{"errno", errno}});
      listen(false);
      listen_again_ns_ = clock_.monotonic_ns() + kTickMs * kNsPerMs;
    }
    return;
  }
}

void Gateway::admit(base::Fd socket, ClientPeer peer) {
  ++accepted_total_;
  if (clients_.size() >= config_.connections_max && !make_room()) {
    ++turned_away_total_;
    return;
  }
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  auto session = TlsSession::create(tls_, socket.get());
  if (!session.ok()) return log_.error("no TLS session", {{"why", session.error().message}});
  const std::uint64_t id = next_client_++;
  const int fd = socket.get();
  Client client{std::make_unique<Connection>(id, std::move(socket), std::move(session).value(),
                                             std::move(peer), *this),
                EPOLLIN};
  if (const Status added = poller_.add(fd, id, client.armed); !added.ok()) {
    return log_.error("cannot watch a connection", {{"why", added.error().message}});
  }
  clients_.emplace(id, std::move(client));
}

// Nobody who has shown no key can keep others out: of their connections the oldest goes.
bool Gateway::make_room() {
  std::uint64_t oldest = 0;
  std::int64_t oldest_since = std::numeric_limits<std::int64_t>::max();
  for (const auto& [id, client] : clients_) {
    const auto since = client.connection->expendable_since_ns();
    if (!since || *since >= oldest_since) continue;
    oldest = id;
    oldest_since = *since;
  }
  if (oldest == 0) return false;
  clients_.erase(oldest);  // closing the descriptor takes it out of epoll
  return true;
}

void Gateway::on_client(std::uint64_t id, std::uint32_t events) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;  // made room in this very turn
  client->second.connection->on_ready(events);
  settle(id);
}

// Tells epoll what the connection waits for now, or lets it go.
void Gateway::settle(std::uint64_t id) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  Connection& connection = *client->second.connection;
  if (connection.closed()) {
    clients_.erase(client);
    return;
  }
  const std::uint32_t wanted = connection.wanted_events();
  if (wanted == client->second.armed) return;
  client->second.armed = wanted;
  poller_.change(connection.fd(), id, wanted);
}

bool Gateway::body_reserved(std::size_t bytes) {
  if (bytes > kBodiesBytesMax - bodies_bytes_) return false;
  bodies_bytes_ += bytes;
  return true;
}

ApiStatus Gateway::slot_available(std::uint64_t tenant) {
  if (base::memory_is_short())
    return overloaded("The server is out of memory; try again.", kRetryAfterSeconds);
  if (draining_) return not_ready("draining", "The server is shutting down.", kRestartRetryS);
  const AuditHealth audit = audit_.health();
  if (!audit.usable) return audit_unavailable(audit.why);
  return admission_.check(tenant);
}

ApiResult<std::shared_ptr<Exchange>> Gateway::start(Exchange::Request request) {
  if (request.route.has_body) {
    if (const ApiStatus slot = slot_available(request.tenant); !slot.ok()) {
      refused(request, slot.error());
      return slot.error();
    }
    admission_.begin(request.tenant);
    publish_load();
  }
  ++requests_total_;
  const std::uint64_t id = request.connection;
  request.received_ns = clock_.monotonic_ns();
  auto exchange = std::make_shared<Exchange>(std::move(request), mailbox_);
  running_.emplace(id, Running{exchange, exchange->request().received_ns});
  if (exchange->request().route.has_body) engines_.expect(id);
  workers_.submit(exchange);
  return exchange;
}

void Gateway::client_gone(Exchange& exchange) {
  exchange.abort();
  engines_.cancel(exchange);
}

// ---- workers ------------------------------------------------------------------------------------

void Gateway::read_mail() {
  for (Post& post : mailbox_.collect()) {
    const std::uint64_t connection = post.connection;
    const auto running = running_.find(connection);
    switch (post.kind) {
      case Post::Kind::kSubmit:
        if (!running->second.exchange->aborted())
          engines_.submit(running->second.exchange, std::move(post.submissions));
        engines_.decided(post.connection);
        break;
      case Post::Kind::kReport:
        report(std::move(post));
        break;
      case Post::Kind::kRefused:
        refuse(running->second.exchange->request(), post.status, std::move(post.code));
        break;
      case Post::Kind::kDone:
        finish(post.connection, post.keep_alive);
        break;
      case Post::Kind::kOutput:
        if (const auto client = clients_.find(post.connection); client != clients_.end()) {
          client->second.connection->on_output();
        }
        break;
    }
    settle(connection);
  }
}

void Gateway::finish(std::uint64_t connection, bool keep_alive) {
  const auto running = running_.find(connection);
  const std::shared_ptr<Exchange> exchange = std::move(running->second.exchange);
  const std::int64_t since_ns = running->second.since_ns;
  running_.erase(running);
  engines_.decided(connection);
  if (exchange->request().route.has_body) {
    admission_.end(exchange->request().tenant, clock_.monotonic_ns() - since_ns);
    publish_load();
  }
  engines_.cancel(*exchange);  // what the worker no longer waits for
  if (const auto client = clients_.find(connection); client != clients_.end()) {
    client->second.connection->on_done(keep_alive);
  }
}

// ---- engine (the supervisor: gateway_control.cc) ------------------------------------------------

void Gateway::watch_engines() {
  engines_.for_each([this](std::size_t place, EngineLinks::Seat& seat) {
    EngineLink& link = seat.link;
    if (link.fd() < 0) return;  // a closed descriptor has left epoll by itself
    const std::uint64_t number = kFirstEngine + place;
    const std::uint32_t wanted =
        EPOLLIN | (link.wants_write() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    if (link.connections() != seat.watched) {
      seat.watched = link.connections();
      seat.armed = wanted;
      if (const Status added = poller_.add(link.fd(), number, wanted); !added.ok()) {
        link.abandon("cannot be watched: " + added.error().message);
      }
    } else if (wanted != seat.armed) {
      seat.armed = wanted;
      poller_.change(link.fd(), number, wanted);
    }
  });
}

void Gateway::watch_audit() {
  if (audit_link_.fd() < 0) return;
  const std::uint32_t wanted =
      EPOLLIN | (audit_link_.wants_write() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  if (audit_link_.connections() != audit_watched_) {
    audit_watched_ = audit_link_.connections();
    audit_armed_ = wanted;
    const Status added = poller_.add(audit_link_.fd(), kAudit, wanted);
    if (!added.ok()) audit_link_.abandon("cannot be watched: " + added.error().message);
  } else if (wanted != audit_armed_) {
    audit_armed_ = wanted;
    poller_.change(audit_link_.fd(), kAudit, wanted);
  }
}

// ---- time ---------------------------------------------------------------------------------------

Status Gateway::tick() {
  const std::int64_t now = clock_.monotonic_ns();
  if (now < next_tick_ns_) return {};
  next_tick_ns_ = now + kTickMs * kNsPerMs;
  engines_.tick();
  tick_audit();
  read_mail();  // had a wake-up been lost
  std::vector<std::uint64_t> ids;
  ids.reserve(clients_.size());
  for (const auto& [id, client] : clients_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    clients_.at(id).connection->on_tick();
    if (draining_) clients_.at(id).connection->on_drain();
    settle(id);
  }
  return draining_ ? tick_drain() : Status();
}

}  // namespace daemon_gateway
