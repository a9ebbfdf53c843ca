#include "daemon/gateway/generation.h"

#include <algorithm>
#include <limits>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using Wait = Exchange::Wait;

constexpr std::int64_t kNsPerMs = 1'000'000;

// Nobody reads it; it ends the worker's work.
ApiError client_gone() {
  return request_timeout("The client closed the connection.");
}

std::size_t held_bytes(const Event& event) {
  std::size_t bytes = event.text.size();
  if (event.has_logprob)
    bytes += 64 + event.logprob.bytes.size() * 8;  // its bytes again, as an array of numbers
  for (const auto& alternative : event.top) bytes += 64 + alternative.bytes.size() * 8;
  return bytes;
}

}  // namespace

Generation::Generation(Exchange& exchange, const GenerationTools& tools, ApiRequest request,
                       std::unique_ptr<Answer> answer)
    : exchange_(exchange),
      tools_(tools),
      request_(std::move(request)),
      answer_(std::move(answer)),
      started_ns_(tools.clock.monotonic_ns()),
      deadline_ns_(std::numeric_limits<std::int64_t>::max()),
      unfinished_(static_cast<std::uint32_t>(request_.prompts.size()) * request_.choices) {
  if (tools.times.request_timeout_ms > 0)
    deadline_ns_ = started_ns_ + tools.times.request_timeout_ms * kNsPerMs;
}

Generation::~Generation() {
  const Usage& usage = answer_->usage();
  tools_.log.info("request finished",
                  {{"id", exchange_.request().id},
                   {"key", exchange_.request().key_id},
                   {"outcome", outcome_},
                   {"prompt_tokens", static_cast<std::int64_t>(usage.prompt_tokens)},
                   {"completion_tokens", static_cast<std::int64_t>(usage.completion_tokens)},
                   {"ms", (tools_.clock.monotonic_ns() - started_ns_) / kNsPerMs},
                   {"end_user", request_.user}});
}

ApiError Generation::fail(ApiError error) {
  outcome_ = error.code.empty() ? std::to_string(error.status) : error.code;
  return error;
}

// There is an end to it, but no answer.
ApiError Generation::lost(const EngineNews& news) {
  if (std::holds_alternative<Quarantined>(news.what)) return fail(quarantined());
  return fail(not_ready("engine_lost",
                        "The engine went away while it worked on this request; try again.",
                        tools_.status.load().retry_after_s));
}

Wait Generation::wait(std::int64_t until_ns, EngineNews& out_news) {
  if (!early_.empty()) {
    out_news = std::move(early_.front());
    early_.pop_front();
    return Wait::kNews;
  }
  return exchange_.wait_news(std::min(until_ns, deadline_ns_), out_news);
}

ApiStatus Generation::admit() {
  std::size_t waiting = request_.prompts.size();
  tools_.mailbox.post({.kind = Post::Kind::kSubmit,
                       .connection = exchange_.request().connection,
                       .submissions = std::move(request_.prompts)});
  while (waiting > 0) {
    EngineNews news;
    const Wait got = exchange_.wait_news(deadline_ns_, news);
    if (got == Wait::kAborted) return client_gone();
    if (got == Wait::kTimeout)
      return fail(request_timeout("The request took longer than the server allows."));
    if (const auto* refused = std::get_if<daemon_ipc::Refused>(&news.what))
      return fail(refusal(*refused, tools_.status.load().retry_after_s));
    if (std::holds_alternative<daemon_ipc::Admitted>(news.what)) {
      --waiting;
    } else if (std::holds_alternative<daemon_ipc::Events>(news.what)) {
      text_bytes_ += held_bytes(news);
      if (text_bytes_ > kResponseTextBytesMax) {
        return fail(
            server_error("The answer is too long for so many prompts at once: ask for fewer."));
      }
      early_.push_back(std::move(news));
    } else {
      return lost(news);
    }
  }
  text_bytes_ = 0;
  return {};
}

// Into the stream's piece when there is one, else into the whole answer.
ApiStatus Generation::take(const EngineNews& news, std::string* out_piece) {
  const auto* const events = std::get_if<daemon_ipc::Events>(&news.what);
  if (events == nullptr) return lost(news);
  for (const Event& event : events->events) {
    if (event.finish == EventFinish::kError) {
      return fail(server_error(event.error.empty() ? "The engine failed." : event.error));
    }
    if (event.finish == EventFinish::kCancelled)
      return fail(not_ready("cancelled", "The engine ended this request; try again.",
                            tools_.status.load().retry_after_s));
    const std::uint32_t choice = news.prompt * request_.choices + event.choice;
    if (out_piece != nullptr) {
      *out_piece += answer_->stream(choice, event);
    } else {
      text_bytes_ += held_bytes(event);
      if (text_bytes_ > kResponseTextBytesMax) {
        return fail(server_error("The answer is too long to be sent whole: ask for a stream."));
      }
      answer_->add(choice, event);
    }
    if (event.finish != EventFinish::kNone) --unfinished_;
  }
  return {};
}

ApiResult<base::Json> Generation::collect() {
  while (unfinished_ > 0) {
    EngineNews news;
    const Wait got = wait(deadline_ns_, news);
    if (got == Wait::kAborted) return client_gone();
    if (got == Wait::kTimeout)
      return fail(request_timeout("The request took longer than the server allows."));
    TRY(take(news, nullptr));
  }
  outcome_ = "ok";
  return answer_->body();
}

ReplyStream::Step Generation::next(std::string& out_piece) {
  if (!opened_) {
    opened_ = true;
    out_piece = answer_->open_stream();
    if (!out_piece.empty()) return Step::kMore;
  }
  return step(out_piece);
}

ReplyStream::Step Generation::step(std::string& out_piece) {
  const std::int64_t ping_ns =
      tools_.clock.monotonic_ns() + tools_.times.ping_interval_ms * kNsPerMs;
  EngineNews news;
  const Wait got = wait(ping_ns, news);
  if (got == Wait::kAborted) return Step::kAbort;
  if (got == Wait::kTimeout) {
    if (tools_.clock.monotonic_ns() >= deadline_ns_) {
      out_piece =
          stream_error(fail(request_timeout("The request took longer than the server allows.")));
      return Step::kFail;
    }
    out_piece = ": ping\n\n";
    return Step::kMore;
  }
  const ApiStatus taken = take(news, &out_piece);
  if (!taken.ok()) {
    out_piece += stream_error(taken.error());
    return Step::kFail;
  }
  if (unfinished_ > 0) return Step::kMore;
  out_piece += answer_->close_stream();
  outcome_ = "ok";
  return Step::kEnd;
}

}  // namespace daemon_gateway
