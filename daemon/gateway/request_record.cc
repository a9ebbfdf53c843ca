#include "daemon/gateway/request_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "hardening/base/hex.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;

constexpr std::int64_t kNsPerUs = 1'000;

// The shortest decimal of the float, not of the double it becomes: 0.7, not 0.699999988079071.
double shortest(float value) {
  std::array<char, 32> text;
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  double decimal = 0;
  std::from_chars(text.data(), written.ptr, decimal);
  return decimal;
}

Json parameters_json(const daemon_ipc::RequestBegin& asked) {
  return Json::object({{"choices", asked.choices},
                       {"tokens_max", asked.tokens_max},
                       {"tokens_min", asked.tokens_min},
                       {"temperature", shortest(asked.temperature)},
                       {"top_k", asked.top_k},
                       {"top_p", shortest(asked.top_p)},
                       {"min_p", shortest(asked.min_p)},
                       {"repetition_penalty", shortest(asked.repetition_penalty)},
                       {"presence_penalty", shortest(asked.presence_penalty)},
                       {"frequency_penalty", shortest(asked.frequency_penalty)},
                       {"logprobs", asked.logprobs},
                       {"top_logprobs", asked.top_logprobs},
                       {"echo", asked.echo},
                       {"ignore_end_tokens", asked.ignore_end_tokens},
                       {"include_stop_text", asked.include_stop_text},
                       {"continue_final_message", asked.continue_final_message},
                       {"add_generation_prompt", asked.add_generation_prompt}});
}

Json model_json(const std::string& name, const AnswerMaker& maker) {
  Json model = Json::object({{"name", name}, {"digest", maker.model_digest}});
  if (!maker.release_digest.empty()) model.set("release", maker.release_digest);
  return model;
}

std::string_view finish_name(EventFinish finish) {
  switch (finish) {
    case EventFinish::kStop:
      return "stop";
    case EventFinish::kLength:
      return "length";
    case EventFinish::kCancelled:
      return "cancelled";
    case EventFinish::kError:
      return "error";
    case EventFinish::kNone:
      break;
  }
  return "";
}

}  // namespace

RequestRecord::RequestRecord(const Exchange::Request& request,
                             std::shared_ptr<const AuditPolicy> policy, std::string body)
    : request_(request),
      policy_(std::move(policy)),
      salt_(policy_->salt_of(request.id)),
      body_(std::move(body)),
      body_bytes_(body_.size()) {
  if (policy_->text != AuditText::kNone) body_digest_ = daemon_audit::digest_body(salt_, body_);
  if (policy_->text != AuditText::kSealed) body_ = {};
}

void RequestRecord::asked(const ApiRequest& request, const std::string& model_name) {
  user_ = request.user;
  tag_ = request.tag;
  stream_ = request.stream;
  model_name_ = model_name;
  asked_ = request.prompts.front().begin;
  prompts_.resize(request.prompts.size());
  for (std::size_t i = 0; i < request.prompts.size() * request.choices; ++i)
    choices_.emplace_back().text.update(std::span(salt_));
}

void RequestRecord::admitted(std::uint32_t prompt, const daemon_ipc::Admitted& admitted,
                             const std::optional<AnswerMaker>& maker) {
  prompts_[prompt] = {admitted.prompt_tokens, admitted.tokens_max};
  if (maker) maker_ = *maker;
}

void RequestRecord::resumed(std::uint32_t engines) {
  resumed_ = std::max(resumed_, engines);
}

void RequestRecord::emitted(std::uint32_t number, const Event& event, std::int64_t now_ns) {
  Choice& choice = choices_[number];
  choice.text.update(event.text);
  if (event.token >= 0 && !event.prompt) {
    choice.tokens.push_back(event.token);
    if (!first_token_ns_) first_token_ns_ = now_ns;
  }
  if (event.finish == EventFinish::kNone) return;
  choice.finish = event.finish;
  choice.completion_tokens = event.completion_tokens;
  device_us_ += event.device_us;
  if (number % asked_.choices == 0) cached_tokens_ += event.cached_prompt_tokens;
}

// ---- the two records ----------------------------------------------------------------------------

Json RequestRecord::common() const {
  Json body = Json::object({{"request", request_.id},
                            {"client", to_json(request_.client)},
                            {"key", request_.key_id},
                            {"endpoint", request_.head.path},
                            {"model", model_json(model_name_, maker_)},
                            {"kernels", maker_.kernels}});
  if (!user_.empty()) body.set("user", user_);
  if (!tag_.empty()) body.set("tag", tag_);
  if (!body_digest_.empty()) {
    body.set("body", Json::object({{"bytes", static_cast<std::int64_t>(body_bytes_)},
                                   {"digest", body_digest_}}));
  }
  return body;
}

base::Result<AuditReport> RequestRecord::admission() {
  AuditReport report{.type = "request.admitted", .body = {}};
  Json prompts = Json::array();
  for (const Prompt& prompt : prompts_) {
    prompts.push_back(Json::object({{"tokens", prompt.tokens}, {"tokens_max", prompt.tokens_max}}));
  }
  Json body = common();
  body.set("method", request_.head.method);
  body.set("stream", stream_);
  body.set("parameters", parameters_json(asked_));
  body.set("seed", std::to_string(asked_.seed));
  body.set("created", asked_.time);
  body.set("prompts", std::move(prompts));
  if (policy_->text == AuditText::kSealed) {
    report.sealed = TRY(seal(std::exchange(body_, {})));
    body.set("sealed", sealed_json(report.sealed));
  }
  report.body = body.dump();
  return report;
}

AuditReport RequestRecord::completion(const Outcome& outcome) {
  AuditReport report{
      .type = "request.finished", .body = {}, .prove = request_.receipt, .ends = true};
  std::uint64_t prompt_tokens = 0;
  for (const Prompt& prompt : prompts_) prompt_tokens += prompt.tokens;
  std::uint64_t completion_tokens = 0;
  for (const Choice& choice : choices_) {
    completion_tokens +=
        choice.finish == EventFinish::kNone ? choice.tokens.size() : choice.completion_tokens;
  }
  Json body = common();
  body.set("outcome", outcome.text);
  body.set("status", outcome.status);
  body.set("prompt_tokens", prompt_tokens);
  body.set("completion_tokens", completion_tokens);
  body.set("cached_tokens", cached_tokens_);
  body.set("device_us", device_us_);
  if (first_token_ns_)
    body.set("first_token_us", (*first_token_ns_ - request_.received_ns) / kNsPerUs);
  body.set("duration_us", (outcome.now_ns - request_.received_ns) / kNsPerUs);
  body.set("resumed", resumed_);
  if (policy_->text == AuditText::kSealed) {
    Json all = Json::array();
    for (const Choice& choice : choices_) {
      Json tokens = Json::array();
      for (const std::int32_t token : choice.tokens) tokens.push_back(token);
      all.push_back(std::move(tokens));
    }
    auto sealed = seal(Json::object({{"choices", std::move(all)}}).dump());
    if (sealed.ok()) {
      report.sealed = std::move(sealed).value();
      body.set("sealed", sealed_json(report.sealed));
    }
  }
  body.set("choices", choices_json());
  report.body = body.dump();
  return report;
}

Json RequestRecord::choices_json() {
  Json all = Json::array();
  for (std::uint32_t i = 0; i < choices_.size(); ++i) {
    Choice& choice = choices_[i];
    Json json =
        Json::object({{"index", i}, {"tokens", static_cast<std::int64_t>(choice.tokens.size())}});
    if (choice.finish != EventFinish::kNone) json.set("finish", finish_name(choice.finish));
    if (policy_->text != AuditText::kNone) {
      json.set("tokens_digest", daemon_audit::digest_tokens(salt_, i, choice.tokens));
      json.set("text_digest", base::to_hex(choice.text.finish()));
    }
    all.push_back(std::move(json));
  }
  return all;
}

base::Result<std::string> RequestRecord::seal(std::string_view text) const {
  return daemon_audit::seal_text(*policy_->sealed_to, request_.id, text);
}

Json RequestRecord::sealed_json(std::string_view sealed) {
  return Json::object({{"bytes", static_cast<std::int64_t>(sealed.size())},
                       {"digest", base::to_hex(provisioning::sha256(sealed))}});
}

Json RequestRecord::receipt(const daemon_ipc::Proof& proof) const {
  return Json::object({{"format", "redoubt-receipt/1"},
                       {"record", proof.record},
                       {"proof", proof.proof},
                       {"salt", base::to_hex(salt_)}});
}

}  // namespace daemon_gateway
