#include "daemon/engine/engine_server.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "daemon/engine/limits.h"
#include "hardening/base/json.h"
#include "hardening/base/utf8.h"

namespace daemon_engine {
namespace {

using base::Status;

// Messages taken in between two steps, and the time after which no further one is begun: a flood of
// requests, or long ones, must not keep the running ones from their next token.
constexpr int kMessagesPerTurn = 64;
constexpr std::int64_t kTurnNs = 20'000'000;

// The text with each byte that is not part of a character replaced by U+FFFD.
std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const base::Utf8Char next = base::decode_utf8(text);
    base::append_utf8(valid, next.code_point);
    text.remove_prefix(next.bytes);
  }
  return valid;
}

}  // namespace

EngineServer::EngineServer(const EngineConfig& config, const Parts& parts)
    : config_(config),
      parts_(parts),
      packer_(parts.tools.tokenizer, gateway_),
      measured_ns_(parts.clock.monotonic_ns()) {
  parts_.engine.on_start([this](std::uint64_t request) { announce(request); });
}

Status EngineServer::run(daemon_ipc::Channel& control) {
  for (;;) {
    TRY(wait(control));
    if (!TRY(read_control(control))) return {};
    // Before the gateway is read: a new one may use the ids of requests that went with the former
    // one, which are cancelled by this.
    TRY(compute());
    read_gateway();
    if (gateway_.connected()) {
      if (auto sent = gateway_.flush(); !sent.ok()) lose_gateway(sent.error());
    }
    TRY(ask_for_gateway(control));
  }
}

// Sleeps until there is something to do; only looks when there is work already.
Status EngineServer::wait(const daemon_ipc::Channel& control) {
  const bool full = gateway_.is_full();
  const bool can_compute = parts_.engine.has_work() && !full;
  const short gateway_events =
      static_cast<short>((full ? 0 : POLLIN) | (gateway_.wants_write() ? POLLOUT : 0));
  pollfd fds[2] = {{control.fd(), POLLIN, 0}, {gateway_.fd(), gateway_events, 0}};
  if (::poll(fds, 2, can_compute ? 0 : -1) < 0 && errno != EINTR)
    return base::io_error(errno, "poll");
  return {};
}

// ---- control channel

base::Result<bool> EngineServer::read_control(daemon_ipc::Channel& control) {
  for (;;) {
    auto received = control.receive();
    if (!received.ok() && received.error().sys_errno == EPIPE) return false;
    if (!received.ok()) return std::move(received).error();
    if (!received.value()) return true;
    const daemon_ipc::Message& message = received.value()->message;
    if (std::holds_alternative<daemon_ipc::Ping>(message)) {
      TRY(answer_ping(control));
    } else if (std::holds_alternative<daemon_ipc::PeerChannel>(message)) {
      greet(std::move(received.value()->fd));
    } else if (!std::holds_alternative<daemon_ipc::Drain>(
                   message)) {  // the gateway drains, not the engine
      return base::invalid_input("the supervisor sent a message that is not for an engine");
    }
  }
}

Status EngineServer::answer_ping(daemon_ipc::Channel& control) {
  const bool busy = parts_.engine.has_work() && !gateway_.is_full();
  const Status sent = control.send(daemon_ipc::Alive{work_, busy, stats()});
  // Full: the supervisor has answers of ours that it has not read yet, so it will not miss this
  // one.
  if (!sent.ok() && sent.error().code == base::ErrorCode::kUnavailable) return {};
  return sent;
}

std::string EngineServer::stats() {
  const runtime::EngineStats stats = parts_.engine.stats();
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  const double seconds = static_cast<double>(now_ns - measured_ns_) / 1e9;
  const auto tokens = static_cast<double>(stats.generated_tokens - measured_tokens_);
  const auto per_step = [this](std::int64_t ns) {
    return step_time_.steps > 0
               ? static_cast<double>(ns) / 1e3 / static_cast<double>(step_time_.steps)
               : 0.0;
  };
  measured_ns_ = now_ns;
  measured_tokens_ = stats.generated_tokens;
  return base::Json::object({{"model", config_.model_id},
                             {"running", stats.running},
                             {"waiting", stats.waiting},
                             {"tokens_per_second", seconds > 0 ? tokens / seconds : 0.0},
                             {"steps", stats.steps},
                             {"steps_timed", step_time_.steps},
                             {"step_us", per_step(step_time_.total_ns)},
                             {"step_model_us", per_step(step_time_.model_ns)},
                             {"prompt_tokens", stats.prompt_tokens},
                             {"cached_prompt_tokens", stats.cached_prompt_tokens},
                             {"generated_tokens", stats.generated_tokens},
                             {"requests_finished", stats.requests_finished},
                             {"preemptions", stats.preemptions},
                             {"kv_blocks_used", stats.blocks_used},
                             {"kv_blocks_cached", stats.blocks_cached},
                             {"kv_blocks_total", stats.blocks_total}})
      .dump();
}

void EngineServer::greet(base::Fd channel) {
  if (gateway_.connected()) lose_gateway(base::unavailable("a new gateway has come"));
  gateway_.connect(std::move(channel));
  wants_gateway_ = false;
  gateway_.send(daemon_ipc::Hello{
      .model_id = config_.model_id,
      .created = config_.created,
      .context_tokens = static_cast<std::uint32_t>(parts_.tools.context_tokens_max),
      .vocabulary = static_cast<std::uint32_t>(parts_.tools.tokenizer.vocabulary_size()),
      .choices_max = std::min(kChoicesMax, config_.sequences_max),
      .sequences_max = config_.sequences_max,
      .has_chat_template = parts_.tools.chat_template != nullptr,
      .model_digest = std::string(parts_.model_digest),
      .kernels = std::string(parts_.kernels),
      .release_digest = std::string(parts_.release_digest),
  });
}

// ---- data channel

// A gateway that does not read is not listened to either: every answer to it would have to be kept.
void EngineServer::read_gateway() {
  const std::int64_t end_ns = parts_.clock.monotonic_ns() + kTurnNs;
  for (int i = 0; i < kMessagesPerTurn && gateway_.connected() && !gateway_.is_full(); ++i) {
    if (parts_.clock.monotonic_ns() > end_ns) return;
    auto received = gateway_.receive();
    if (!received.ok()) return lose_gateway(received.error());
    if (!received.value()) return;
    if (auto handled = handle(std::move(*received.value())); !handled.ok())
      return lose_gateway(handled.error());
  }
}

Status EngineServer::handle(daemon_ipc::Message message) {
  if (const auto* cancel = std::get_if<daemon_ipc::Cancel>(&message)) {
    if (!arrivals_.cancel(cancel->id)) parts_.engine.cancel(cancel->id);
    return {};
  }
  std::optional<Arrivals::Complete> complete;
  if (const auto* begin = std::get_if<daemon_ipc::RequestBegin>(&message)) {
    if (live_.contains(begin->id)) return base::invalid_input("request_begin.id: in use");
    complete = TRY(arrivals_.begin(*begin));
  } else if (const auto* piece = std::get_if<daemon_ipc::RequestBody>(&message)) {
    complete = TRY(arrivals_.add(*piece));
  } else if (const auto* resume = std::get_if<daemon_ipc::RequestResume>(&message)) {
    return arrivals_.add(*resume);
  } else {
    return base::invalid_input("the gateway sent a message that is not for an engine");
  }
  if (complete) submit(std::move(*complete));
  return {};
}

void EngineServer::submit(Arrivals::Complete arrived) {
  ++work_;
  const std::uint64_t id = arrived.begin.id;
  auto made = make_request(arrived.begin, arrived.body, parts_.tools);
  if (const auto* refusal = std::get_if<Refusal>(&made)) return refuse(id, *refusal);
  auto& request = std::get<runtime::GenerationRequest>(made);
  // An echo goes to the choices that begin here.
  std::vector<bool> fresh(arrived.begin.choices, true);
  for (std::size_t i = 0; i < std::min(fresh.size(), arrived.resume.size()); ++i)
    fresh[i] = arrived.resume[i].empty();
  request.resume = std::move(arrived.resume);
  const daemon_ipc::Admitted admitted{id, static_cast<std::uint32_t>(request.prompt.size()),
                                      request.tokens_max};
  // With log-probabilities the engine itself gives the prompt back, token by token.
  const bool echoes = arrived.begin.echo && !arrived.begin.logprobs;
  const std::string prompt =
      echoes ? valid_utf8(parts_.tools.tokenizer.decode(request.prompt)) : std::string();
  if (auto status = parts_.engine.submit(std::move(request)); !status.ok()) {
    const bool full = status.error().code == base::ErrorCode::kUnavailable;
    return refuse(id, {status.error().code, full ? "overloaded" : "invalid_value", "",
                       status.error().message});
  }
  live_.emplace(id, Live{arrived.begin.choices});
  gateway_.send(admitted);
  if (echoes) echo(id, fresh, prompt);
}

void EngineServer::echo(std::uint64_t id, const std::vector<bool>& fresh,
                        const std::string& prompt) {
  for (std::size_t choice = 0; choice < fresh.size(); ++choice) {
    if (!fresh[choice]) continue;
    runtime::GenerationEvent event;
    event.request = id;
    event.choice = static_cast<std::uint32_t>(choice);
    event.prompt = true;
    event.text = prompt;
    packer_.add(event);
  }
  packer_.flush();
}

void EngineServer::refuse(std::uint64_t id, const Refusal& refusal) {
  const std::string message = valid_utf8(refusal.message);
  gateway_.send(daemon_ipc::Refused{
      id, refusal.code, std::string(refusal.api_code), std::string(refusal.param),
      std::string(whole_characters(message, daemon_ipc::kErrorTextBytesMax))});
}

void EngineServer::lose_gateway(const base::Error& why) {
  parts_.log.warning("the gateway is gone",
                     {{"why", why.message}, {"requests", static_cast<std::int64_t>(live_.size())}});
  for (const auto& [id, live] : live_) parts_.engine.cancel(id);
  live_.clear();
  arrivals_.clear();
  gateway_.disconnect();
  wants_gateway_ = true;
}

// In case it is the channel that was lost, not the gateway.
Status EngineServer::ask_for_gateway(daemon_ipc::Channel& control) {
  if (!wants_gateway_) return {};
  const Status sent = control.send(daemon_ipc::PeerLost{});
  if (!sent.ok() && sent.error().code == base::ErrorCode::kUnavailable) return {};
  wants_gateway_ = false;
  // A supervisor that lets both of us go closes its end of this channel as well: the next look at
  // it is the last.
  if (!sent.ok() && sent.error().sys_errno == EPIPE) return {};
  return sent;
}

// ---- computing

Status EngineServer::compute() {
  if (!parts_.engine.has_work() || gateway_.is_full()) {
    in_a_row_ = false;
    return {};
  }
  begin_step();
  TRY(parts_.engine.step([this](const runtime::GenerationEvent& event) { deliver(event); }));
  packer_.flush();
  ++work_;
  in_a_row_ = in_a_row_ && parts_.engine.has_work();
  return {};
}

// Sent before the step begins, which may be our last.
void EngineServer::announce(std::uint64_t request) {
  if (!live_.contains(request)) return;
  gateway_.send(daemon_ipc::Started{request});
  (void)gateway_.flush();  // what is wrong with it shows at the next one
}

void EngineServer::begin_step() {
  if (parts_.decoder == nullptr) return;
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  const std::int64_t model_ns = parts_.decoder->model_ns();
  if (in_a_row_) {
    step_time_.total_ns += now_ns - step_begin_ns_;
    step_time_.model_ns += model_ns - step_model_ns_;
    ++step_time_.steps;
  }
  step_begin_ns_ = now_ns;
  step_model_ns_ = model_ns;
  in_a_row_ = true;
}

void EngineServer::deliver(const runtime::GenerationEvent& event) {
  const auto live = live_.find(event.request);
  if (live == live_.end()) return;  // its gateway is gone
  packer_.add(event);
  if (event.finish == runtime::FinishReason::kNone) return;
  if (--live->second.open_choices == 0) live_.erase(live);
}

}  // namespace daemon_engine
