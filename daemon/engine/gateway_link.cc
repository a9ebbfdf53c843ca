#include "daemon/engine/gateway_link.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "daemon/engine/limits.h"
#include "hardening/base/utf8.h"

namespace daemon_engine {
namespace {

constexpr std::size_t kEventFixedBytes = 64;  // an event's fields of fixed size, generously

std::size_t size_of(const daemon_ipc::Event& event) {
  std::size_t bytes = kEventFixedBytes + event.text.size() + event.error.size() + event.logprob.bytes.size();
  for (const auto& alternative : event.top) bytes += 16 + alternative.bytes.size();
  return bytes;
}

// What a message takes while it waits, texts and all.
std::size_t size_of(const daemon_ipc::Message& message) {
  std::size_t bytes = sizeof message;
  if (const auto* events = std::get_if<daemon_ipc::Events>(&message)) {
    for (const auto& event : events->events) bytes += size_of(event);
  }
  if (const auto* refused = std::get_if<daemon_ipc::Refused>(&message)) bytes += refused->message.size();
  return bytes;
}

daemon_ipc::EventFinish to_wire(runtime::FinishReason reason) {
  switch (reason) {
    case runtime::FinishReason::kNone: return daemon_ipc::EventFinish::kNone;
    case runtime::FinishReason::kStop: return daemon_ipc::EventFinish::kStop;
    case runtime::FinishReason::kLength: return daemon_ipc::EventFinish::kLength;
    case runtime::FinishReason::kCancelled: return daemon_ipc::EventFinish::kCancelled;
    case runtime::FinishReason::kError: return daemon_ipc::EventFinish::kError;
  }
  return daemon_ipc::EventFinish::kError;
}

}  // namespace

std::string_view whole_characters(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  const std::string_view cut = text.substr(0, bytes_max);
  return cut.substr(0, cut.size() - base::incomplete_utf8_suffix(cut));
}

void GatewayLink::connect(base::Fd channel) {
  disconnect();
  channel_.emplace(std::move(channel));
}

void GatewayLink::disconnect() {
  channel_.reset();
  outgoing_.clear();
  outgoing_bytes_ = 0;
}

bool GatewayLink::is_full() const { return outgoing_bytes_ >= kOutgoingBytesMax; }

void GatewayLink::send(daemon_ipc::Message message) {
  if (!channel_) return;
  const std::size_t bytes = size_of(message);
  outgoing_bytes_ += bytes;
  outgoing_.push_back({std::move(message), bytes});
}

base::Status GatewayLink::flush() {
  while (!outgoing_.empty()) {
    const auto sent = channel_->send(outgoing_.front().message);
    if (!sent.ok() && sent.error().code == base::ErrorCode::kUnavailable) return {};
    if (!sent.ok()) return sent;
    outgoing_bytes_ -= outgoing_.front().bytes;
    outgoing_.pop_front();
  }
  return {};
}

base::Result<std::optional<daemon_ipc::Message>> GatewayLink::receive() {
  auto received = TRY(channel_->receive());
  if (!received) return std::optional<daemon_ipc::Message>();
  if (received->fd.is_open()) return base::invalid_input("a descriptor came over the data channel");
  return std::optional(std::move(received->message));
}

daemon_ipc::EventLogprob EventPacker::describe(const runtime::TokenLogprob& logprob) const {
  const std::string_view bytes = tokenizer_.piece(logprob.token, true);
  return {logprob.token, logprob.logprob, std::string(bytes.substr(0, daemon_ipc::kTokenBytesMax))};
}

void EventPacker::add(const runtime::GenerationEvent& event) {
  if (event.request != pending_.id) flush();
  pending_.id = event.request;

  // Text that was held back for long can exceed one event: what does not fit goes ahead without a token.
  std::string_view text = event.text;
  while (text.size() > daemon_ipc::kEventTextBytesMax) {
    const std::string_view part = whole_characters(text, daemon_ipc::kEventTextBytesMax);
    daemon_ipc::Event ahead;
    ahead.choice = event.choice;
    ahead.prompt = event.prompt;
    ahead.text = part;
    append(std::move(ahead));
    text.remove_prefix(part.size());
  }

  daemon_ipc::Event out;
  out.choice = event.choice;
  out.token = event.token;
  out.prompt = event.prompt;
  out.finish = to_wire(event.finish);
  out.text = text;
  out.has_logprob = event.has_logprob;
  if (event.has_logprob) out.logprob = describe(event.logprob);
  for (const auto& alternative : event.top) out.top.push_back(describe(alternative));
  out.prompt_tokens = event.prompt_tokens;
  out.completion_tokens = event.completion_tokens;
  out.cached_prompt_tokens = event.cached_prompt_tokens;
  out.device_us = static_cast<std::uint64_t>(event.device_ns + 500) / 1'000;
  out.error = event.error;
  append(std::move(out));
}

void EventPacker::append(daemon_ipc::Event event) {
  pending_bytes_ += size_of(event);
  pending_.events.push_back(std::move(event));
  if (pending_.events.size() == daemon_ipc::kEventsPerMessageMax || pending_bytes_ >= kEventsBytesGoal) flush();
}

void EventPacker::flush() {
  if (pending_.events.empty()) return;
  const std::uint64_t id = pending_.id;
  link_.send(std::exchange(pending_, {}));
  pending_.id = id;
  pending_bytes_ = 0;
}

}  // namespace daemon_engine
