#include "daemon/gateway/engine_link.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/gateway/limits.h"
#include "hardening/base/check.h"
#include "hardening/base/hex.h"

namespace daemon_gateway {

using base::ErrorCode;
using base::invalid_input;
using base::Status;
using daemon_ipc::EngineCondition;

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

std::string maker(const daemon_ipc::Hello& engine) {
  return engine.model_digest + " " + engine.kernels;
}

daemon_ipc::Refused refuse(std::uint64_t id, std::string_view api_code, std::string message) {
  return {id, ErrorCode::kUnavailable, std::string(api_code), "", std::move(message)};
}

}  // namespace

// ---- the engine comes and goes ------------------------------------------------------------------

void EngineLink::connect(base::Fd channel) {
  lose("the engine was replaced");
  wants_introduction_ = false;
  channel_.emplace(std::move(channel));
  heard_ = true;
  ++connections_;
  publish();
}

void EngineLink::set_state(daemon_ipc::EngineState state) {
  state_ = std::move(state);
  heard_ = true;
  if (state_.condition == EngineCondition::kDegraded) end_all();
  publish();
}

void EngineLink::tick() {
  if (!channel_) publish();
}

// Ready is what the engine's own hello says; the supervisor's word explains why not, and can take
// it back.
void EngineLink::publish() {
  const bool degraded = state_.condition == EngineCondition::kDegraded;
  if (hello_ && state_.condition != EngineCondition::kDown && !degraded) {
    return status_.set({EnginePhase::kReady, hello_, "", false});
  }
  const std::string reason = state_.text.empty() ? "the engine is starting" : state_.text;
  if (degraded) return status_.set({EnginePhase::kDegraded, std::nullopt, reason, false});
  if (!known_) return status_.set({EnginePhase::kStarting, std::nullopt, reason, imminent()});
  // The next engine usually comes at once: a request that comes now may as well wait for it.
  const bool soon = channel_ || clock_.monotonic_ns() - lost_ns_ < kRecoveryMs * kNsPerMs;
  status_.set({EnginePhase::kRecovering, soon ? known_ : std::nullopt, reason, false});
}

void EngineLink::lose(std::string reason) {
  if (!channel_) return;
  log_.error("engine channel closed",
             {{"why", reason}, {"requests", static_cast<std::int64_t>(live_.size())}});
  channel_.reset();
  wants_introduction_ = true;
  hello_.reset();
  outgoing_.clear();
  unsent_.reset();
  if (!interrupted_) lost_ns_ = clock_.monotonic_ns();
  if (state_.condition != EngineCondition::kDegraded)
    state_ = {EngineCondition::kDown, "the engine is being restarted"};
  for (auto& [id, live] : live_) {
    if (std::exchange(live.handed_over, false)) ++waiting_;
    if (std::exchange(live.started, false))
      suspects_.push_back({digest_of(live), live.journal.position()});
  }
  interrupted_ = interrupted_ || !suspects_.empty();
  end_abandoned();
  publish();
}

// The supervisor says how, which is before it introduces the next engine; without its word, it is
// the engine's own doing.
void EngineLink::engine_ended(bool from_outside) {
  while (receive_some()) {  // what it said last, and that it is gone
  }
  if (channel_) lose("the engine has ended");
  if (from_outside) suspects_.clear();
  judge();
}

void EngineLink::judge() {
  const auto suspects = std::exchange(suspects_, {});
  if (suspects.empty()) return;
  if (const auto guilty = blame_.engine_died(suspects)) condemn(*guilty);
}

void EngineLink::condemn(const provisioning::Sha256Digest& digest) {
  log_.error("ALARM: a request has killed the engine twice and is quarantined",
             {{"digest", base::to_hex(digest)}});
  ++quarantined_total_;
  quarantine_.add(digest);
  quarantined_.push_back(digest);
  for (auto live = live_.begin(); live != live_.end();) {
    const auto current = live++;
    Live& guilty = current->second;
    if (guilty.exchange == nullptr || digest_of(guilty) != digest) continue;
    log_.error("quarantined", {{"request", guilty.exchange->request().id},
                               {"key", guilty.exchange->request().key_id}});
    deliver(guilty, {guilty.prompt, Quarantined{}});
    end(current);
  }
}

const provisioning::Sha256Digest& EngineLink::digest_of(Live& live) {
  if (!live.digest) live.digest = live.journal.digest();
  return *live.digest;
}

// Nobody knows when there will be an engine again.
void EngineLink::end_all() {
  while (!live_.empty()) {
    Live& live = live_.begin()->second;
    deliver(live, {live.prompt, EngineLost{}});
    end(live_.begin());
  }
}

// Those whose client is gone and that no engine has.
void EngineLink::end_abandoned() {
  for (auto live = live_.begin(); live != live_.end();) {
    const auto current = live++;
    if (current->second.exchange == nullptr && !current->second.handed_over) end(current);
  }
}

void EngineLink::end(LiveMap::iterator live) {
  if (!blame_.empty()) blame_.abandoned(digest_of(live->second));
  if (!live->second.handed_over) --waiting_;
  journal_bytes_ -= live->second.journal.bytes_max();
  live_.erase(live);
}

// ---- what the engine says -----------------------------------------------------------------------

void EngineLink::on_ready() {
  (void)receive_some();
  flush();
}

// False once nothing waits. An engine that talks without end must not keep us from our clients, nor
// from telling it to stop.
bool EngineLink::receive_some() {
  for (std::size_t i = 0; i < kEngineMessagesPerTurn && channel_; ++i) {
    auto received = channel_->receive();
    if (!received.ok()) {
      lose(received.error().message);
    } else if (!received.value()) {
      return false;
    } else if (received.value()->fd.is_open()) {
      lose("sent a descriptor");
    } else if (const Status taken = take(std::move(received.value()->message)); !taken.ok()) {
      lose(taken.error().message);
    }
  }
  return channel_.has_value();
}

Status EngineLink::take(daemon_ipc::Message message) {
  if (auto* hello = std::get_if<daemon_ipc::Hello>(&message)) return take_hello(std::move(*hello));
  if (!hello_) return invalid_input("a message before hello");
  if (auto* admitted = std::get_if<daemon_ipc::Admitted>(&message)) return take_admitted(*admitted);
  if (const auto* started = std::get_if<daemon_ipc::Started>(&message))
    return take_started(*started);
  if (auto* refused = std::get_if<daemon_ipc::Refused>(&message))
    return take_refused(std::move(*refused));
  if (auto* events = std::get_if<daemon_ipc::Events>(&message))
    return take_events(std::move(*events));
  return invalid_input("a message that is not the engine's to send");
}

Status EngineLink::take_hello(daemon_ipc::Hello hello) {
  if (hello_) return invalid_input("a second hello");
  if (hello.model_id.empty() || hello.context_tokens == 0 || hello.vocabulary == 0 ||
      hello.choices_max == 0) {
    return invalid_input("a hello without a model");
  }
  log_.notice("engine connected", {{"model", hello.model_id},
                                   {"context", hello.context_tokens},
                                   {"requests", static_cast<std::int64_t>(live_.size())}});
  hello_ = known_ = std::move(hello);
  state_ = {};
  judge();
  hand_over();
  publish();
  return {};
}

Status EngineLink::take_admitted(const daemon_ipc::Admitted& admitted) {
  const auto live = live_.find(admitted.id);
  if (live == live_.end() || !live->second.handed_over)
    return invalid_input("admitted out of turn");
  if (!TRY(live->second.journal.record(admitted))) return {};
  live->second.made_by = maker(*hello_);
  deliver(live->second, {live->second.prompt, admitted});
  return {};
}

Status EngineLink::take_started(const daemon_ipc::Started& started) {
  const auto live = live_.find(started.id);
  if (live == live_.end() || !live->second.journal.admitted_now() ||
      std::exchange(live->second.started, true)) {
    return invalid_input("started out of turn");
  }
  return {};
}

Status EngineLink::take_refused(daemon_ipc::Refused refused) {
  const auto live = live_.find(refused.id);
  if (live == live_.end() || !live->second.handed_over || live->second.journal.admitted_now())
    return invalid_input("refused out of turn");
  const std::uint32_t prompt = live->second.prompt;
  if (live->second.journal.admitted()) {  // by the engine before
    log_.error("an engine does not take up the request of another", {{"why", refused.message}});
    deliver(live->second, {prompt, EngineLost{}});
  } else {
    deliver(live->second, {prompt, std::move(refused)});
  }
  end(live);
  hand_over();
  return {};
}

Status EngineLink::take_events(daemon_ipc::Events events) {
  const auto live = live_.find(events.id);
  if (live == live_.end() || !live->second.handed_over) return invalid_input("events out of turn");
  TRY(live->second.journal.record(events));
  if (!blame_.empty()) blame_.got_to(digest_of(live->second), live->second.journal.position());
  if (interrupted_) report_recovery();
  if (!events.events.empty()) deliver(live->second, {live->second.prompt, std::move(events)});
  if (live->second.journal.over()) end(live);
  hand_over();
  return {};
}

void EngineLink::report_recovery() {
  interrupted_ = false;
  log_.notice("requests go on", {{"after_ms", (clock_.monotonic_ns() - lost_ns_) / kNsPerMs}});
}

void EngineLink::deliver(Live& live, EngineNews news) {
  const std::shared_ptr<Exchange> exchange = live.exchange;
  if (exchange == nullptr) return;
  if (exchange->push_news(std::move(news))) return;
  log_.warning("client reads too slowly, request cancelled", {{"request", exchange->request().id}});
  exchange->abort();
  drop(*exchange);
}

// ---- what the engine is told --------------------------------------------------------------------

void EngineLink::submit(const std::shared_ptr<Exchange>& exchange,
                        std::vector<Submission> prompts) {
  for (std::uint32_t i = 0; i < prompts.size(); ++i) add(exchange, i, std::move(prompts[i]));
  hand_over();
  flush();
}

void EngineLink::add(const std::shared_ptr<Exchange>& exchange, std::uint32_t prompt,
                     Submission submission) {
  if (state_.condition == EngineCondition::kDegraded || !known_) {
    exchange->push_news({prompt, EngineLost{}});
    return;
  }
  CHECK(submission.body.size() <= daemon_ipc::kRequestBodyBytesMax);
  const std::uint64_t id = next_id_++;
  submission.begin.id = id;
  submission.begin.tenant = exchange->request().tenant;
  submission.begin.body_bytes = static_cast<std::uint32_t>(submission.body.size());
  RequestJournal journal(std::move(submission), known_->context_tokens);
  if (!quarantine_.empty() && quarantine_.contains(journal.digest())) {
    exchange->push_news({prompt, Quarantined{}});
    return;
  }
  if (journal.bytes_max() > kJournalBytesMax - journal_bytes_) {
    exchange->push_news({prompt, refuse(id, "overloaded",
                                        "The requests being worked on fill the memory for them.")});
    return;
  }
  journal_bytes_ += journal.bytes_max();
  ++waiting_;
  live_.emplace(id, Live{exchange, prompt, std::move(journal), "", false});
}

// Everything that waits goes to the engine, unless it has to be tried by itself.
void EngineLink::hand_over() {
  if (!channel_ || !hello_ || waiting_ == 0) return;
  for (auto live = live_.begin(); live != live_.end();) {
    const auto current = live++;
    Live& waiting = current->second;
    if (waiting.handed_over) continue;
    if (!blame_.empty() && !blame_.may_run(digest_of(waiting))) continue;
    if (!waiting.made_by.empty() && waiting.made_by != maker(*hello_)) {
      deliver(waiting, {waiting.prompt, EngineLost{}});
      end(current);
      continue;
    }
    if (waiting.journal.admitted()) ++resumed_total_;
    waiting.journal.rewind();
    waiting.handed_over = true;
    --waiting_;
    outgoing_.push_back({current->first, false});
  }
}

// A request that was refused or finished has left live_, so nothing is cancelled twice.
void EngineLink::cancel(const Exchange& exchange) {
  drop(exchange);
  if (waiting_ > 0) end_abandoned();
  hand_over();
  flush();
}

// Leaves the map as it is, so that news can be delivered while it is being walked.
void EngineLink::drop(const Exchange& exchange) {
  for (auto& [id, live] : live_) {
    if (live.exchange.get() != &exchange) continue;
    live.exchange.reset();
    if (live.handed_over) outgoing_.push_back({id, true});
  }
}

void EngineLink::flush() {
  while (channel_ && !outgoing_.empty()) {
    if (!unsent_) unsent_ = next_message();
    if (!unsent_) {
      outgoing_.pop_front();
      continue;
    }
    const Status sent = channel_->send(*unsent_);
    if (!sent.ok()) {
      if (sent.error().code != ErrorCode::kUnavailable) lose(sent.error().message);
      return;
    }
    unsent_.reset();
    if (outgoing_.front().cancel) outgoing_.pop_front();
  }
}

// Of the first that is to be sent; nothing when it has been sent, or is over before it was.
std::optional<daemon_ipc::Message> EngineLink::next_message() {
  const Outgoing& first = outgoing_.front();
  const auto live = live_.find(first.id);
  if (live == live_.end()) return std::nullopt;
  if (first.cancel) return daemon_ipc::Cancel{first.id};
  return live->second.journal.next_message();
}

}  // namespace daemon_gateway
