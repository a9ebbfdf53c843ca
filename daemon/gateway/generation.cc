#include "daemon/gateway/generation.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using Wait = Exchange::Wait;

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr double kNsPerSecond = 1e9;
constexpr int kOk = 200;

// Nobody reads it; it ends the worker's work.
ApiError client_gone() {
  return request_timeout("The client closed the connection.");
}

ApiError unrecorded() {
  return audit_unavailable("its record does not become durable");
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
                       std::unique_ptr<Answer> answer, std::unique_ptr<RequestRecord> record)
    : exchange_(exchange),
      tools_(tools),
      request_(std::move(request)),
      answer_(std::move(answer)),
      record_(std::move(record)),
      started_ns_(tools.clock.monotonic_ns()),
      deadline_ns_(std::numeric_limits<std::int64_t>::max()),
      unfinished_(static_cast<std::uint32_t>(request_.prompts.size()) * request_.choices) {
  if (tools.times.request_timeout_ms > 0)
    deadline_ns_ = started_ns_ + tools.times.request_timeout_ms * kNsPerMs;
}

Generation::~Generation() {
  // A client that went away was sent nothing, or the beginning of a stream.
  if (exchange_.admitted() && !ended_) end_record(outcome_, request_.stream ? kOk : 0, false);
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

// What ended a request that is recorded as admitted is told once that is recorded too.
ApiError Generation::fail(ApiError error) {
  outcome_ = name_of(error);
  if (!exchange_.admitted() || ended_) return error;
  end_record(outcome_, request_.stream ? kOk : error.status, true);
  const Wait waited = wait_end_recorded(record_deadline_ns_);
  return waited == Wait::kTimeout ? unrecorded() : error;
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
  TRY(await_engine());
  return record_admission();
}

ApiStatus Generation::await_engine() {
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
    if (const auto* admitted = std::get_if<daemon_ipc::Admitted>(&news.what)) {
      record_->admitted(news.prompt, *admitted, news.maker);
      tools_.metrics.admitted(admitted->prompt_tokens);
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

// ---- the audit log ------------------------------------------------------------------------------

ApiStatus Generation::record_admission() {
  auto report = record_->admission();
  if (!report.ok()) return fail(audit_unavailable(report.error().message));
  tools_.mailbox.post({.kind = Post::Kind::kReport,
                       .connection = exchange_.request().connection,
                       .report = std::move(report).value(),
                       .waits = true});
  exchange_.set_admitted(true);
  const std::int64_t until_ns = tools_.clock.monotonic_ns() + kAuditPatienceMs * kNsPerMs;
  Recorded recorded;
  const Wait waited = exchange_.wait_recorded(until_ns, recorded);
  if (waited == Wait::kAborted) return client_gone();
  if (waited == Wait::kNews && recorded.durable) return {};
  if (waited == Wait::kNews) {  // it was not kept, so there is nothing to end
    exchange_.set_admitted(false);
    return fail(audit_unavailable("too much waits to be recorded"));
  }
  // It will be in the log one day: nobody waits for that.
  const ApiError error = unrecorded();
  outcome_ = name_of(error);
  end_record(outcome_, error.status, false);
  return error;
}

void Generation::end_record(std::string outcome, int status, bool waits) {
  ended_ = true;
  const std::int64_t now = tools_.clock.monotonic_ns();
  record_deadline_ns_ = now + kCompletionRecordMs * kNsPerMs;
  tools_.mailbox.post({.kind = Post::Kind::kReport,
                       .connection = exchange_.request().connection,
                       .report = record_->completion({std::move(outcome), status, now}),
                       .waits = waits});
}

Wait Generation::wait_end_recorded(std::int64_t until_ns) {
  return exchange_.wait_recorded(std::min(until_ns, record_deadline_ns_), end_recorded_);
}

// Without a proof: the auditor was replaced between making it and telling it; the record is there.
base::Json Generation::receipt() const {
  return end_recorded_.proof ? record_->receipt(*end_recorded_.proof) : base::Json();
}

// ---- the answer ---------------------------------------------------------------------------------

// Into the stream's piece when there is one, else into the whole answer.
ApiStatus Generation::take(const EngineNews& news, std::string* out_piece) {
  const auto* const events = std::get_if<daemon_ipc::Events>(&news.what);
  if (events == nullptr) return lost(news);
  record_->resumed(news.resumed);
  const std::int64_t now = tools_.clock.monotonic_ns();
  for (const Event& event : events->events) {
    const std::uint32_t choice = news.prompt * request_.choices + event.choice;
    record_->emitted(choice, event, now);
    count(event, now);
    if (event.finish == EventFinish::kError) {
      return fail(server_error(event.error.empty() ? "The engine failed." : event.error));
    }
    if (event.finish == EventFinish::kCancelled)
      return fail(not_ready("cancelled", "The engine ended this request; try again.",
                            tools_.status.load().retry_after_s));
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
  finish();
  const Wait waited = wait_end_recorded(record_deadline_ns_);
  if (waited == Wait::kAborted) return client_gone();
  if (waited == Wait::kTimeout) return unrecorded();
  return answer_->body(receipt());
}

// Everything is known but whether it is recorded.
void Generation::finish() {
  outcome_ = "ok";
  const std::int64_t took = tools_.clock.monotonic_ns() - exchange_.request().received_ns;
  tools_.metrics.answered_after(static_cast<double>(took) / kNsPerSecond);
  tools_.metrics.cached(answer_->usage().cached_tokens);
  end_record(outcome_, kOk, true);
}

void Generation::count(const Event& event, std::int64_t now_ns) {
  tools_.metrics.finished(event.finish);
  if (event.token < 0 || event.prompt) return;
  tools_.metrics.generated(1);
  if (std::exchange(spoke_, true)) return;
  const std::int64_t after = now_ns - exchange_.request().received_ns;
  tools_.metrics.first_token_after(static_cast<double>(after) / kNsPerSecond);
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
  if (unfinished_ == 0) return close(out_piece);
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
  if (unfinished_ == 0) finish();  // while what there is is on its way
  return Step::kMore;
}

// The end of the stream, once it is recorded.
ReplyStream::Step Generation::close(std::string& out_piece) {
  const std::int64_t ping_ns =
      tools_.clock.monotonic_ns() + tools_.times.ping_interval_ms * kNsPerMs;
  const Wait waited = wait_end_recorded(ping_ns);
  if (waited == Wait::kAborted) return Step::kAbort;
  if (waited == Wait::kNews) {
    out_piece = answer_->close_stream(receipt());
    return Step::kEnd;
  }
  if (tools_.clock.monotonic_ns() < record_deadline_ns_) {
    out_piece = ": ping\n\n";
    return Step::kMore;
  }
  out_piece = stream_error(unrecorded());
  return Step::kFail;
}

}  // namespace daemon_gateway
