#include "daemon/gateway/exchange.h"

#include <algorithm>
#include <chrono>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

std::size_t held_bytes(const daemon_ipc::Event& event) {
  std::size_t bytes =
      sizeof event + event.text.size() + event.error.size() + event.logprob.bytes.size();
  for (const auto& alternative : event.top) bytes += sizeof alternative + alternative.bytes.size();
  return bytes;
}

}  // namespace

std::size_t held_bytes(const EngineNews& news) {
  std::size_t bytes = sizeof news;
  const auto* const events = std::get_if<daemon_ipc::Events>(&news.what);
  if (events == nullptr) return bytes;
  for (const auto& event : events->events) bytes += held_bytes(event);
  return bytes;
}

bool Exchange::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  while (!bytes.empty()) {
    changed_.wait(lock, [this] { return aborted_ || output_.size() < kOutputBytesMax; });
    if (aborted_) return false;
    const std::size_t room = kOutputBytesMax - output_.size();
    output_.append(bytes.substr(0, room));
    bytes.remove_prefix(std::min(room, bytes.size()));
    if (!announced_) {
      announced_ = true;
      mailbox_.post({.kind = Post::Kind::kOutput, .connection = request_.connection});
    }
  }
  return !aborted_;
}

// libstdc++'s steady clock is CLOCK_MONOTONIC, as base::Clock's.
Exchange::Wait Exchange::wait_news(std::int64_t deadline_ns, EngineNews& out_news) {
  std::unique_lock lock(mutex_);
  const SteadyTime deadline{std::chrono::nanoseconds(deadline_ns)};
  const bool woken =
      changed_.wait_until(lock, deadline, [this] { return aborted_ || !news_.empty(); });
  if (aborted_) return Wait::kAborted;
  if (!woken) return Wait::kTimeout;
  news_bytes_ -= held_bytes(news_.front());
  out_news = std::move(news_.front());
  news_.pop_front();
  return Wait::kNews;
}

Exchange::Wait Exchange::wait_recorded(std::int64_t deadline_ns, Recorded& out_recorded) {
  std::unique_lock lock(mutex_);
  const SteadyTime deadline{std::chrono::nanoseconds(deadline_ns)};
  const bool woken =
      changed_.wait_until(lock, deadline, [this] { return aborted_ || recorded_.has_value(); });
  if (aborted_) return Wait::kAborted;
  if (!woken) return Wait::kTimeout;
  out_recorded = std::move(*recorded_);
  recorded_.reset();
  return Wait::kNews;
}

bool Exchange::aborted() {
  const std::lock_guard lock(mutex_);
  return aborted_;
}

void Exchange::finish(bool keep_alive) {
  mailbox_.post(
      {.kind = Post::Kind::kDone, .connection = request_.connection, .keep_alive = keep_alive});
}

void Exchange::take_output(std::string& spent) {
  const std::lock_guard lock(mutex_);
  spent.clear();
  spent.swap(output_);
  announced_ = false;
  changed_.notify_one();
}

bool Exchange::push_news(EngineNews news) {
  const std::lock_guard lock(mutex_);
  if (aborted_) return true;
  const std::size_t bytes = held_bytes(news);
  if (news_.size() >= kNewsQueuedMax || bytes > kNewsBytesMax - news_bytes_) return false;
  news_bytes_ += bytes;
  news_.push_back(std::move(news));
  changed_.notify_one();
  return true;
}

void Exchange::push_recorded(Recorded recorded) {
  const std::lock_guard lock(mutex_);
  recorded_ = std::move(recorded);
  changed_.notify_one();
}

void Exchange::abort() {
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  news_.clear();
  news_bytes_ = 0;
  changed_.notify_one();
}

}  // namespace daemon_gateway
