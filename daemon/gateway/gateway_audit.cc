// What the event loop has to do with the audit log: hands over what workers report, writes down who
// was refused, and tells everybody whether requests can be recorded.
#include <utility>

#include "daemon/gateway/gateway.h"
#include "daemon/gateway/limits.h"

namespace daemon_gateway {

namespace {

constexpr double kNsPerSecond = 1e9;

}  // namespace

// An admission that there was no room for has no end, whatever its worker knows of it.
void Gateway::report(Post post) {
  Running& running = running_.at(post.connection);
  const bool ends = post.report.ends;
  if (ends && !std::exchange(running.admitted, false)) return;
  const std::shared_ptr<Exchange> waiter = post.waits ? running.exchange : nullptr;
  const bool kept = audit_.append(std::move(post.report), waiter);
  if (!ends) running.admitted = kept;
  if (!kept && waiter != nullptr) waiter->push_recorded({.durable = false});
}

// Who asks whether we are ready need not wait for the next tick.
void Gateway::on_audit() {
  audit_link_.on_ready();
  if (audit_.health().usable != engine_status_.load().audited) publish_load();
}

// ---- who was refused ----------------------------------------------------------------------------

void Gateway::refused(const Exchange::Request& request, const ApiError& error) {
  refuse(request, error.status, name_of(error));
}

void Gateway::refuse(const Exchange::Request& request, int status, std::string code) {
  metrics_.refused(code);
  if (request.key_id.empty()) return;
  record({.kind = Refusal::Kind::kRequest,
          .client = request.client,
          .method = request.head.method,
          .endpoint = request.head.path,
          .request = request.id,
          .key = request.key_id,
          .status = status,
          .code = std::move(code)});
}

void Gateway::auth_failed(const ClientPeer& client, const RequestHead& head,
                          std::string_view reason) {
  metrics_.refused("invalid_api_key");
  record({.kind = Refusal::Kind::kAuth,
          .client = client,
          .method = head.method,
          .endpoint = head.path,
          .reason = std::string(reason)});
}

void Gateway::record(Refusal refusal) {
  auto report = refusals_.add(std::move(refusal), clock_.monotonic_ns(), audit_.health().usable);
  if (report) (void)audit_.append(std::move(*report), nullptr);
}

// ---- time ---------------------------------------------------------------------------------------

void Gateway::tick_audit() {
  const std::int64_t now = clock_.monotonic_ns();
  const AuditHealth health = audit_.health();
  if (health.usable) {
    audit_failing_since_ns_ = 0;
    for (AuditReport& due : drained_ || draining_ ? refusals_.take_all() : refusals_.take_due(now))
      (void)audit_.append(std::move(due), nullptr);
  } else if (audit_failing_since_ns_ == 0) {
    audit_failing_since_ns_ = now;
  }
  publish_load();
  const std::size_t live = engines_.live();
  const std::size_t started = engines_.started();
  metrics_.set_gauges(
      {.connections = clients_.size(),
       .requests_running = started,
       .requests_waiting = live - started,
       .requests_total = requests_total_,
       .resumed_total = engines_.resumed_total(),
       .quarantined_total = engines_.quarantined_total(),
       .audit_up = health.usable,
       .audit_failing_seconds =
           health.usable ? 0 : static_cast<double>(now - audit_failing_since_ns_) / kNsPerSecond,
       .audit_records_total = health.durable_total,
       .audit_pending = health.pending});
}

bool Gateway::all_recorded() const {
  return refusals_.empty() && audit_.health().pending == 0;
}

}  // namespace daemon_gateway
