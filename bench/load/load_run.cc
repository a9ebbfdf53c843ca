#include "bench/load/load_run.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "bench/load/stream_times.h"
#include "hardening/base/clock.h"
#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Json;

std::int64_t now_ns() {
  return base::SystemClock().monotonic_ns();
}

double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) * 1e-6;
}

// Differs from request to request from the first words on, so that no cache of prefixes helps.
std::string make_prompt(std::size_t request, std::size_t bytes) {
  std::string prompt =
      fmt::format("{:08x} is request {}. ", request * 2654435761U % 0xffffffffU, request);
  for (std::size_t word = request; prompt.size() < bytes; ++word) {
    prompt += fmt::format("entry {} of the log, ", word * 7919 % 10007);
  }
  prompt.resize(bytes);
  return prompt;
}

std::string make_body(const LoadPlan& plan, std::size_t request) {
  Json body = Json::object({{"model", plan.model}});
  const std::string prompt = make_prompt(request, plan.prompt_bytes);
  if (plan.chat) {
    Json messages = Json::array();
    messages.push_back(Json::object({{"role", "user"}, {"content", prompt}}));
    body.set("messages", std::move(messages));
  } else {
    body.set("prompt", prompt);
  }
  body.set("max_tokens", static_cast<std::uint64_t>(plan.tokens));
  body.set("temperature", 0);
  body.set("ignore_eos", true);  // ours; unknown to others, who seldom end early on such prompts
  body.set("stream", true);
  body.set("stream_options", Json::object({{"include_usage", true}}));
  return body.dump();
}

class Load {
 public:
  explicit Load(const LoadPlan& plan) : plan_(plan) {
    for (std::size_t i = 0; i < plan.requests; ++i) bodies_.push_back(make_body(plan, i));
  }

  LoadResult run() {
    started_ns_ = now_ns();
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < plan_.streams; ++i) clients.emplace_back([this] { work(); });
    for (std::thread& client : clients) client.join();
    result_.seconds = static_cast<double>(now_ns() - started_ns_) * 1e-9;
    return std::move(result_);
  }

 private:
  void work() {
    auto stream = HttpStream::create(plan_.target);
    for (std::size_t request = next_++; request < plan_.requests; request = next_++) {
      if (!stream.ok()) {
        fail(stream.error().message);
        continue;
      }
      send(stream.value(), request);
    }
  }

  void send(HttpStream& stream, std::size_t request) {
    std::int64_t start_ns = now_ns();
    if (!plan_.arrivals_ns.empty()) {
      start_ns = started_ns_ + plan_.arrivals_ns[request];
      std::this_thread::sleep_for(std::chrono::nanoseconds(start_ns - now_ns()));
    }
    StreamTimes times;
    const base::Status sent =
        stream.post(plan_.chat ? "/v1/chat/completions" : "/v1/completions", bodies_[request],
                    [&times](std::string_view bytes) { times.feed(bytes, now_ns()); });
    if (!sent.ok()) return fail(sent.error().message);
    if (!times.finished()) return fail("the stream ended before the answer did");
    record(times, start_ns);
  }

  void record(const StreamTimes& times, std::int64_t start_ns) {
    const std::int64_t end_ns = now_ns();
    const std::lock_guard lock(mutex_);
    const auto& text = times.text_ns();
    if (!text.empty()) result_.first_token_ms.push_back(to_ms(text.front() - start_ns));
    for (std::size_t i = 1; i < text.size(); ++i)
      result_.between_tokens_ms.push_back(to_ms(text[i] - text[i - 1]));
    result_.request_ms.push_back(to_ms(end_ns - start_ns));
    result_.tokens += times.tokens(plan_.tokens);
  }

  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    result_.faults.push_back(why);
  }

  const LoadPlan& plan_;
  std::vector<std::string> bodies_;
  std::int64_t started_ns_ = 0;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;  // result_
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const LoadPlan& plan) {
  return Load(plan).run();
}

}  // namespace bench
