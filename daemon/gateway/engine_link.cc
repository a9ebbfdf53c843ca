#include "daemon/gateway/engine_link.h"

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

void EngineLink::show(bool on) {
  shown_ = on;
  publish();
}

void EngineLink::tick() {
  if (!channel_) publish();
}

// Ready is what the engine's own hello says; the supervisor's word explains why not, and can take
// it back.
void EngineLink::publish() {
  if (!shown_) return;
  const bool degraded = state_.condition == EngineCondition::kDegraded;
  if (hello_ && state_.condition != EngineCondition::kDown && !degraded) {
    return shared_.status.set({EnginePhase::kReady, hello_, "", false});
  }
  const std::string reason = state_.text.empty() ? "the engine is starting" : state_.text;
  if (degraded) return shared_.status.set({EnginePhase::kDegraded, std::nullopt, reason, false});
  if (!known_)
    return shared_.status.set({EnginePhase::kStarting, std::nullopt, reason, imminent()});
  // The next engine usually comes at once: a request that comes now may as well wait for it.
  const bool soon = channel_ || shared_.clock.monotonic_ns() - lost_ns_ < kRecoveryMs * kNsPerMs;
  shared_.status.set({EnginePhase::kRecovering, soon ? known_ : std::nullopt, reason, false});
}

void EngineLink::lose(std::string reason) {
  if (!channel_) return;
  shared_.log.error("engine channel closed",
                    {{"why", reason}, {"requests", static_cast<std::int64_t>(live_.size())}});
  channel_.reset();
  wants_introduction_ = true;
  hello_.reset();
  outgoing_.clear();
  unsent_.reset();
  if (!interrupted_) lost_ns_ = shared_.clock.monotonic_ns();
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
  shared_.log.error("ALARM: a request has killed the engine twice and is quarantined",
                    {{"digest", base::to_hex(digest)}});
  ++shared_.quarantined_total;
  shared_.quarantine.add(digest);
  shared_.quarantined.push_back(digest);
  for (auto live = live_.begin(); live != live_.end();) {
    const auto current = live++;
    Live& guilty = current->second;
    if (guilty.exchange == nullptr || digest_of(guilty) != digest) continue;
    shared_.log.error("quarantined", {{"request", guilty.exchange->request().id},
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
  shared_.journal_bytes -= live->second.journal.bytes_max();
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
  shared_.log.notice("engine connected", {{"model", hello.model_id},
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
  deliver(live->second,
          {.prompt = live->second.prompt,
           .what = admitted,
           .maker = AnswerMaker{hello_->model_digest, hello_->release_digest, hello_->kernels}});
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
    shared_.log.error("an engine does not take up the request of another",
                      {{"why", refused.message}});
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
  if (!events.events.empty())
    deliver(live->second, {live->second.prompt, std::move(events), live->second.resumed});
  if (live->second.journal.over()) {
    if (!blame_.empty() && live->second.journal.finished())
      blame_.finished(digest_of(live->second));
    end(live);
  }
  hand_over();
  return {};
}

void EngineLink::report_recovery() {
  interrupted_ = false;
  shared_.log.notice("requests go on",
                     {{"after_ms", (shared_.clock.monotonic_ns() - lost_ns_) / kNsPerMs}});
}

void EngineLink::deliver(Live& live, EngineNews news) {
  const std::shared_ptr<Exchange> exchange = live.exchange;
  if (exchange == nullptr) return;
  if (exchange->push_news(std::move(news))) return;
  shared_.log.warning("client reads too slowly, request cancelled",
                      {{"request", exchange->request().id}});
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
  if (!shared_.quarantine.empty() && shared_.quarantine.contains(journal.digest())) {
    exchange->push_news({prompt, Quarantined{}});
    return;
  }
  if (journal.bytes_max() > kJournalBytesMax - shared_.journal_bytes) {
    exchange->push_news({prompt, refuse(id, "overloaded",
                                        "The requests being worked on fill the memory for them.")});
    return;
  }
  shared_.journal_bytes += journal.bytes_max();
  ++waiting_;
  live_.emplace(id, Live{exchange, prompt, std::move(journal), known_->model_id, "", false});
}

// Everything that waits goes to the engine, unless it has to be tried by itself.
void EngineLink::hand_over() {
  if (!channel_ || !hello_ || waiting_ == 0) return;
  for (auto live = live_.begin(); live != live_.end();) {
    const auto current = live++;
    Live& waiting = current->second;
    if (waiting.handed_over) continue;
    if (!blame_.empty() && !blame_.may_run(digest_of(waiting))) continue;
    // What has begun can only go on as it began; what has not may as well go to another version of
    // the model, but not to one that the client did not ask for.
    const bool another = waiting.made_by.empty() ? waiting.model_id != hello_->model_id
                                                 : waiting.made_by != maker(*hello_);
    if (another) {
      deliver(waiting, {waiting.prompt, EngineLost{}});
      end(current);
      continue;
    }
    if (waiting.journal.admitted()) {
      ++shared_.resumed_total;
      ++waiting.resumed;
    }
    waiting.journal.rewind();
    waiting.handed_over = true;
    --waiting_;
    outgoing_.push_back({current->first, false});
  }
}

std::size_t EngineLink::started() const {
  return static_cast<std::size_t>(std::count_if(
      live_.begin(), live_.end(), [](const auto& live) { return live.second.started; }));
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
