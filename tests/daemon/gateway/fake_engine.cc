#include "tests/daemon/gateway/fake_engine.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "hardening/base/utf8.h"
#include "provisioning/sha256.h"

namespace daemon_gateway {
namespace {

using daemon_ipc::Event;
using daemon_ipc::EventFinish;

constexpr std::size_t kCharactersPerToken = 4;

std::string hex_digest(std::string_view text) {
  return base::to_hex(provisioning::sha256(text));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> tokens;
  std::size_t characters = kCharactersPerToken;
  while (!text.empty()) {
    const std::size_t bytes = base::decode_utf8(text).bytes;
    if (characters++ == kCharactersPerToken) {
      tokens.emplace_back();
      characters = 1;
    }
    tokens.back() += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return tokens;
}

}  // namespace

FakeEngine::FakeEngine(base::Fd channel, int token_delay_ms, std::string model)
    : channel_(std::move(channel)),
      delay_ms_(token_delay_ms),
      model_(std::move(model)),
      thread_([this] { run(); }) {}

FakeEngine::~FakeEngine() {
  stopping_ = true;
  thread_.join();
}

bool FakeEngine::send(const daemon_ipc::Message& message) {
  while (!stopping_) {
    const auto sent = channel_.send(message);
    if (sent.ok()) return true;
    if (sent.error().code != base::ErrorCode::kUnavailable) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

void FakeEngine::run() {
  bool alive = send(daemon_ipc::Hello{.model_id = model_.substr(0, model_.find('@')),
                                      .created = 1'700'000'000,
                                      .context_tokens = 100'000,
                                      .vocabulary = 500,
                                      .choices_max = 8,
                                      .sequences_max = 64,
                                      .has_chat_template = true,
                                      .model_digest = hex_digest(model_),
                                      .kernels = "fake-1",
                                      .release_digest = hex_digest("release of " + model_)});
  while (alive && !stopping_) {
    pollfd ready{channel_.fd(), POLLIN, 0};
    ::poll(&ready, 1, works_.empty() ? 5 : delay_ms_);
    while (alive) {
      auto received = channel_.receive();
      alive = received.ok();
      if (!alive || !received.value()) break;
      alive = take(std::move(received.value()->message));
    }
    for (auto work = works_.begin(); alive && work != works_.end();) {
      auto current = work++;
      if (current->second.body.size() == current->second.begin.body_bytes)
        alive = step(current->second);
    }
  }
  channel_ = daemon_ipc::Channel(base::Fd());
  ended_ = true;
}

bool FakeEngine::take(daemon_ipc::Message message) {
  if (auto* first = std::get_if<daemon_ipc::RequestBegin>(&message)) {
    last_seed_ = first->seed;
    works_[first->id] = {*first, {}, {}, {}, 0};
    return first->body_bytes > 0;
  }
  if (auto* piece = std::get_if<daemon_ipc::RequestBody>(&message)) {
    Work& work = works_.at(piece->id);
    work.body.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
    if (work.body.size() > work.begin.body_bytes) return false;
    if (work.body.size() == work.begin.body_bytes) begin(work);  // which may end the work
    return true;
  }
  if (const auto* resume = std::get_if<daemon_ipc::RequestResume>(&message)) {
    works_.at(resume->id).next += resume->choice == 0 ? resume->tokens.size() : 0;
    ++resumes_;
    return true;
  }
  const auto* cancel = std::get_if<daemon_ipc::Cancel>(&message);
  if (cancel == nullptr) return false;
  const auto work = works_.find(cancel->id);
  if (work == works_.end()) return true;  // it has just finished
  daemon_ipc::Events events{.id = cancel->id, .events = {}};
  for (std::uint32_t choice = 0; choice < work->second.begin.choices; ++choice) {
    Event event;
    event.choice = choice;
    event.finish = EventFinish::kCancelled;
    events.events.push_back(std::move(event));
  }
  works_.erase(work);
  ++cancels_;
  return send(events);
}

void FakeEngine::begin(Work& work) {
  const auto body = base::Json::parse(work.body, {.bytes_max = std::size_t{64} << 20});
  const base::Json* prompt = body.value().find("prompt");
  if (prompt == nullptr) prompt = body.value().find("messages")->as_array().back().find("content");
  const std::string text = prompt->as_string();
  if (text == "die" || text == "fail" || text == "full" || text == "long" || text == "wait")
    work.order = text;
  if (text.starts_with("count ")) {
    for (int i = 1; i <= std::atoi(text.c_str() + 6); ++i)
      work.tokens.push_back((model_ == kUsualModel ? "" : "#") + std::to_string(i) + " ");
  } else {
    work.tokens = split(work.order.empty() ? text : "abcdefghijkl");
  }
  const std::uint64_t id = work.begin.id;
  if (work.order == "full" || work.order == "long") {
    const bool full = work.order == "full";
    send(daemon_ipc::Refused{
        .id = id,
        .code = full ? base::ErrorCode::kUnavailable : base::ErrorCode::kInvalidInput,
        .api_code = full ? "" : "context_length_exceeded",
        .param = full ? "" : "messages",
        .message = "refused as asked"});
    works_.erase(id);
    return;
  }
  send(daemon_ipc::Admitted{.id = id, .prompt_tokens = 3, .tokens_max = 1'000'000});
  send(daemon_ipc::Started{id});
}

bool FakeEngine::step(Work& work) {
  if (work.order == "wait") return true;
  if (work.order == "die" && work.next == 2) return false;
  const std::size_t limit = work.begin.tokens_max == 0 ? SIZE_MAX : work.begin.tokens_max;
  const std::size_t total = std::min(limit, work.tokens.size());
  daemon_ipc::Events events{.id = work.begin.id, .events = {}};
  bool over = false;
  for (std::uint32_t choice = 0; choice < work.begin.choices; ++choice) {
    Event event;
    event.choice = choice;
    if (work.order == "fail" && work.next == 2) {
      event.finish = EventFinish::kError;
      event.error = "the engine failed as asked";
    } else if (work.next < total) {
      event.token = static_cast<std::int32_t>(work.next);
      event.text = work.tokens[work.next];
      event.has_logprob = work.begin.logprobs;
      if (event.has_logprob) event.logprob = {event.token, -0.25F, event.text};
    } else {
      event.finish = total < work.tokens.size() ? EventFinish::kLength : EventFinish::kStop;
    }
    if (event.finish != EventFinish::kNone) {
      event.prompt_tokens = 3;
      event.completion_tokens = static_cast<std::uint32_t>(total);
      event.cached_prompt_tokens = 1;
      event.device_us = 700;
      over = true;
    }
    events.events.push_back(std::move(event));
  }
  ++work.next;
  const bool sent = send(events);
  if (over) {
    works_.erase(work.begin.id);
    ++finished_;
  }
  return sent;
}

}  // namespace daemon_gateway
