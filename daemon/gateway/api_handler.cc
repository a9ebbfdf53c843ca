#include "daemon/gateway/api_handler.h"

#include <array>

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

ApiError not_ready(const EngineSnapshot& engine) {
  return overloaded("Not ready: " + engine.reason + ".");
}

}  // namespace

Reply ApiHandler::handle(Exchange& exchange) const {
  auto routed = route(exchange);
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
    case Route::kChatCompletions:
    case Route::kCompletions:
      return generate(exchange);
    case Route::kModels:
    case Route::kModel:
      break;
  }
  const EngineSnapshot engine = engine_.get();
  if (!engine.model) return not_ready(engine);
  if (match.route == Route::kModels) {
    return json_reply(
        Json::object({{"object", "list"}, {"data", Json(Json::Array{model_json(*engine.model)})}}));
  }
  if (match.model_id != engine.model->model_id) return model_not_found(match.model_id);
  return json_reply(model_json(*engine.model));
}

// For load balancers and the operator: no key, and no more than they need.
Reply ApiHandler::ready() const {
  const EngineSnapshot engine = engine_.get();
  if (engine.model) return json_reply(Json::object({{"status", "ready"}}));
  Reply reply = json_reply(Json::object({{"status", "not_ready"}, {"reason", engine.reason}}));
  reply.status = 503;
  reply.headers = error_headers(not_ready(engine));
  return reply;
}

ApiResult<Reply> ApiHandler::generate(Exchange& exchange) const {
  const EngineSnapshot engine = engine_.get();
  if (!engine.model) return not_ready(engine);
  const bool chat = exchange.request().route.route == Route::kChatCompletions;
  const std::string body = exchange.take_body();
  ApiRequest request = TRY(chat ? parse_chat_request(body, *engine.model, draw_seed())
                                : parse_completion_request(body, *engine.model, draw_seed()));
  for (const Submission& prompt : request.prompts) {
    if (prompt.body.size() > kEngineBodyBytesMax) return too_large(kEngineBodyBytesMax);
  }
  AnswerOptions options{.id = make_answer_id(chat ? "chatcmpl-" : "cmpl-"),
                        .created = tools_.clock.unix_seconds(),
                        .model = engine.model->model_id,
                        .prompts = static_cast<std::uint32_t>(request.prompts.size()),
                        .choices = request.choices,
                        .logprobs = request.logprobs,
                        .include_usage = request.include_usage};
  const bool stream = request.stream;
  auto generation = std::make_unique<Generation>(
      exchange, tools_, std::move(request),
      chat ? make_chat_answer(std::move(options)) : make_completion_answer(std::move(options)));
  TRY(generation->admit());
  if (!stream) return json_reply(TRY(generation->collect()));
  Reply reply;
  reply.stream = std::move(generation);
  return reply;
}

}  // namespace daemon_gateway
