#include "daemon/gateway/engine_link.h"

#include <algorithm>
#include <cstring>

#include "hardening/base/check.h"

namespace daemon_gateway {

using base::ErrorCode;
using base::invalid_input;
using base::Status;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;

void EngineLink::connect(base::Fd channel) {
  lose("the engine was replaced");
  channel_.emplace(std::move(channel));
  ++connections_;
  publish();
}

void EngineLink::set_state(daemon_ipc::EngineState state) {
  state_ = std::move(state);
  publish();
}

// Ready is what the engine's own hello says; the supervisor's word explains why not, and can take
// it back.
void EngineLink::publish() {
  if (hello_ && state_.condition != daemon_ipc::EngineCondition::kDown) {
    status_.set({hello_, ""});
    return;
  }
  status_.set({std::nullopt, state_.text.empty() ? "the engine is starting" : state_.text});
}

void EngineLink::on_ready() {
  while (channel_) {
    auto received = channel_->receive();
    if (!received.ok()) return lose(received.error().message);
    if (!received.value()) break;
    if (received.value()->fd.is_open()) return lose("sent a descriptor");
    const Status taken = take(std::move(received.value()->message));
    if (!taken.ok()) return lose(taken.error().message);
  }
  flush();
}

Status EngineLink::take(daemon_ipc::Message message) {
  if (auto* hello = std::get_if<daemon_ipc::Hello>(&message)) return take_hello(std::move(*hello));
  if (!hello_) return invalid_input("a message before hello");
  if (auto* admitted = std::get_if<daemon_ipc::Admitted>(&message)) return take_admitted(*admitted);
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
  log_.notice("engine connected", {{"model", hello.model_id}, {"context", hello.context_tokens}});
  hello_ = std::move(hello);
  state_ = {};
  publish();
  return {};
}

Status EngineLink::take_admitted(const daemon_ipc::Admitted& admitted) {
  const auto live = live_.find(admitted.id);
  if (live == live_.end() || live->second.admitted) return invalid_input("admitted out of turn");
  live->second.admitted = true;
  deliver(live, {live->second.prompt, admitted});
  return {};
}

Status EngineLink::take_refused(daemon_ipc::Refused refused) {
  const auto live = live_.find(refused.id);
  if (live == live_.end() || live->second.admitted) return invalid_input("refused out of turn");
  deliver(live, {live->second.prompt, std::move(refused)});
  live_.erase(live);
  return {};
}

Status EngineLink::take_events(daemon_ipc::Events events) {
  const auto live = live_.find(events.id);
  if (live == live_.end() || !live->second.admitted) return invalid_input("events out of turn");
  for (const Event& event : events.events) {
    if (event.choice >= live->second.choices)
      return invalid_input("an event of a choice that is not there");
    if (event.finish == EventFinish::kNone) continue;
    if (live->second.unfinished == 0) return invalid_input("more endings than choices");
    --live->second.unfinished;
  }
  const bool over = live->second.unfinished == 0;
  deliver(live, {live->second.prompt, std::move(events)});
  if (over) live_.erase(live);
  return {};
}

void EngineLink::deliver(LiveMap::iterator live, EngineNews news) {
  const std::shared_ptr<Exchange> exchange = live->second.exchange;
  if (exchange == nullptr) return;
  if (exchange->push_news(std::move(news))) return;
  log_.warning("client reads too slowly, request cancelled", {{"request", exchange->request().id}});
  exchange->abort();
  drop(*exchange);
}

void EngineLink::submit(const std::shared_ptr<Exchange>& exchange,
                        std::vector<Submission> prompts) {
  for (std::uint32_t i = 0; i < prompts.size(); ++i) {
    if (!channel_ || !hello_) {
      exchange->push_news({i, EngineLost{}});
      continue;
    }
    Submission& prompt = prompts[i];
    prompt.begin.id = next_id_++;
    prompt.begin.tenant = exchange->request().tenant;
    CHECK(prompt.body.size() <= daemon_ipc::kRequestBodyBytesMax);
    prompt.begin.body_bytes = static_cast<std::uint32_t>(prompt.body.size());
    live_[prompt.begin.id] = {exchange, i, prompt.begin.choices, false, prompt.begin.choices};
    outgoing_.push_back(prompt.begin);
    const auto* const bytes = reinterpret_cast<const std::byte*>(prompt.body.data());
    for (std::size_t at = 0; at < prompt.body.size(); at += daemon_ipc::kBodyChunkBytesMax) {
      const std::size_t count = std::min(daemon_ipc::kBodyChunkBytesMax, prompt.body.size() - at);
      outgoing_.push_back(
          daemon_ipc::RequestBody{prompt.begin.id, {bytes + at, bytes + at + count}});
    }
  }
  flush();
}

// A request that was refused or finished has left live_, so nothing is cancelled twice.
void EngineLink::cancel(const Exchange& exchange) {
  drop(exchange);
  flush();
}

// Leaves the map as it is, so that news can be delivered while it is being walked.
void EngineLink::drop(const Exchange& exchange) {
  for (auto& [id, live] : live_) {
    if (live.exchange.get() != &exchange) continue;
    live.exchange.reset();
    outgoing_.push_back(daemon_ipc::Cancel{id});
  }
}

void EngineLink::flush() {
  while (channel_ && !outgoing_.empty()) {
    const Status sent = channel_->send(outgoing_.front());
    if (!sent.ok()) {
      if (sent.error().code != ErrorCode::kUnavailable) lose(sent.error().message);
      return;
    }
    outgoing_.pop_front();
  }
}

void EngineLink::lose(std::string reason) {
  if (!channel_) return;
  log_.error("engine channel closed",
             {{"why", reason}, {"requests", static_cast<std::int64_t>(live_.size())}});
  channel_.reset();
  hello_.reset();
  outgoing_.clear();
  state_ = {daemon_ipc::EngineCondition::kDown, "the engine is being restarted"};
  for (auto& [id, live] : live_) {
    if (live.exchange != nullptr && !live.exchange->push_news({live.prompt, EngineLost{}}))
      live.exchange->abort();
  }
  live_.clear();
  publish();
}

}  // namespace daemon_gateway
