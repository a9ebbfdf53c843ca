#include "daemon/gateway/api_handler.h"

#include <array>
#include <chrono>
#include <optional>

#include "daemon/gateway/limits.h"
#include "hardening/base/hex.h"
#include "hardening/base/secret.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Hello;

std::string make_answer_id(std::string_view prefix) {
  std::array<std::byte, 16> random;
  base::fill_random(random);
  return std::string(prefix) + base::to_hex(random);
}

std::uint64_t draw_seed() {
  std::uint64_t seed = 0;
  base::fill_random(std::as_writable_bytes(std::span(&seed, 1)));
  return seed;
}

Json model_json(const Hello& model) {
  return Json::object({{"id", model.model_id},
                       {"object", "model"},
                       {"created", model.created},
                       {"owned_by", "redoubt"},
                       {"max_model_len", model.context_tokens}});
}

Reply json_reply(const Json& json) {
  Reply reply;
  reply.body = json.dump();
  return reply;
}

Reply error_reply(const ApiError& error) {
  Reply reply = json_reply(error_json(error));
  reply.status = error.status;
  reply.headers = error_headers(error);
  return reply;
}

// A word for each state in which no request is taken, and how long it usually lasts.
struct Obstacle {
  std::string_view state;
  std::string reason;
  std::uint32_t retry_after_s;
};

std::optional<Obstacle> obstacle_of(const EngineSnapshot& engine, const Load& load) {
  if (load.draining) return Obstacle{"draining", "the server is shutting down", kRestartRetryS};
  switch (engine.phase) {
    case EnginePhase::kStarting:
      return Obstacle{"starting", engine.reason, kStartRetryS};
    case EnginePhase::kRecovering:
      return Obstacle{"recovering", engine.reason, kRecoveryRetryS};
    case EnginePhase::kDegraded:
      return Obstacle{"degraded", engine.reason, kDegradedRetryS};
    case EnginePhase::kReady:
      break;
  }
  if (!load.audited) return Obstacle{"audit_unavailable", load.unaudited_why, kAuditRetryS};
  if (load.full) return Obstacle{"overloaded", "every request slot is taken", load.retry_after_s};
  return std::nullopt;
}

ApiError refused_by(const Obstacle& obstacle) {
  return not_ready(obstacle.state, "Not ready: " + obstacle.reason + ".", obstacle.retry_after_s);
}

ApiError no_engine(const EngineSnapshot& engine) {
  const auto obstacle = obstacle_of(engine, {});
  return obstacle ? refused_by(*obstacle) : server_error("There is no model.");
}

}  // namespace

Reply ApiHandler::handle(Exchange& exchange) const {
  auto routed = route(exchange);
  // An error that takes the place of the admission; what comes after one is the record's own end.
  if (!routed.ok() && !exchange.admitted() && !exchange.aborted()) {
    tools_.mailbox.post({.kind = Post::Kind::kRefused,
                         .connection = exchange.request().connection,
                         .status = routed.error().status,
                         .code = name_of(routed.error())});
  }
  Reply reply = routed.ok() ? std::move(routed).value() : error_reply(routed.error());
  Headers headers = common_headers(exchange.request().id, tools_.clock.unix_seconds());
  headers.insert(headers.end(), reply.headers.begin(), reply.headers.end());
  reply.headers = std::move(headers);
  return reply;
}

ApiResult<Reply> ApiHandler::route(Exchange& exchange) const {
  const RouteMatch& match = exchange.request().route;
  switch (match.route) {
    case Route::kHealth:
      return json_reply(Json::object({{"status", "ok"}}));
    case Route::kReady:
      return ready();
    case Route::kMetrics:
      return metrics();
    case Route::kChatCompletions:
    case Route::kCompletions:
      return generate(exchange);
    case Route::kModels:
    case Route::kModel:
      break;
  }
  const EngineSnapshot engine = tools_.status.get();
  if (!engine.model) return no_engine(engine);
  if (match.route == Route::kModels) {
    return json_reply(
        Json::object({{"object", "list"}, {"data", Json(Json::Array{model_json(*engine.model)})}}));
  }
  if (match.model_id != engine.model->model_id) return model_not_found(match.model_id);
  return json_reply(model_json(*engine.model));
}

// For load balancers and the operator: no key, and no more than they need.
Reply ApiHandler::ready() const {
  const auto obstacle = obstacle_of(tools_.status.get(), tools_.status.load());
  if (!obstacle) return json_reply(Json::object({{"status", "ready"}}));
  Reply reply =
      json_reply(Json::object({{"status", obstacle->state}, {"reason", obstacle->reason}}));
  reply.status = 503;
  reply.headers = error_headers(refused_by(*obstacle));
  return reply;
}

Reply ApiHandler::metrics() const {
  const EngineSnapshot engine = tools_.status.get();
  Reply reply;
  reply.content_type = "text/plain; version=0.0.4";
  reply.body = tools_.metrics.render(engine.model ? engine.model->model_id : "");
  return reply;
}

ApiResult<Reply> ApiHandler::generate(Exchange& exchange) const {
  const EngineSnapshot engine =
      tools_.status.get_settled(std::chrono::milliseconds(kIntroductionMs));
  if (!engine.model) return no_engine(engine);
  const bool chat = exchange.request().route.route == Route::kChatCompletions;
  std::string body = exchange.take_body();
  ApiRequest request = TRY(chat ? parse_chat_request(body, *engine.model, draw_seed())
                                : parse_completion_request(body, *engine.model, draw_seed()));
  for (const Submission& prompt : request.prompts) {
    if (prompt.body.size() > kEngineBodyBytesMax) return too_large(kEngineBodyBytesMax);
  }
  const std::int64_t now = tools_.clock.unix_seconds();
  for (Submission& prompt : request.prompts) {
    prompt.begin.time = now;
    prompt.model_digest = engine.model->model_digest;
  }
  AnswerOptions options{.id = make_answer_id(chat ? "chatcmpl-" : "cmpl-"),
                        .created = now,
                        .model = engine.model->model_id,
                        .prompts = static_cast<std::uint32_t>(request.prompts.size()),
                        .choices = request.choices,
                        .logprobs = request.logprobs,
                        .include_usage = request.include_usage};
  auto record =
      std::make_unique<RequestRecord>(exchange.request(), tools_.policies.get(), std::move(body));
  record->asked(request, engine.model->model_id);
  const bool stream = request.stream;
  auto generation = std::make_unique<Generation>(
      exchange, tools_, std::move(request),
      chat ? make_chat_answer(std::move(options)) : make_completion_answer(std::move(options)),
      std::move(record));
  TRY(generation->admit());
  if (!stream) return json_reply(TRY(generation->collect()));
  Reply reply;
  reply.stream = std::move(generation);
  return reply;
}

}  // namespace daemon_gateway
