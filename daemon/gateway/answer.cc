#include "daemon/gateway/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hardening/base/check.h"
#include "hardening/base/utf8.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;

constexpr double kLogprobMin = -9999.0;
constexpr char kReceiptMember[] = "redoubt_receipt";

Json usage_json(const Usage& usage) {
  return Json::object(
      {{"prompt_tokens", usage.prompt_tokens},
       {"completion_tokens", usage.completion_tokens},
       {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
       {"prompt_tokens_details", Json::object({{"cached_tokens", usage.cached_tokens}})}});
}

std::string data_event(const Json& json) {
  return "data: " + json.dump() + "\n\n";
}

}  // namespace

// Every choice reports the prompt's counts; the first choice of each prompt speaks for it.
void Answer::count(std::uint32_t choice, const Event& event) {
  CHECK(choice < choices_total());
  if (event.finish == EventFinish::kNone) return;
  usage_.completion_tokens += event.completion_tokens;
  if (choice % options_.choices != 0) return;
  usage_.prompt_tokens += event.prompt_tokens;
  usage_.cached_tokens += event.cached_prompt_tokens;
}

std::string Answer::stream(std::uint32_t choice, const Event& event) {
  count(choice, event);
  return stream_event(choice, event);
}

void Answer::add(std::uint32_t choice, const Event& event) {
  count(choice, event);
  add_event(choice, event);
}

std::string Answer::chunk(Json choices, Json usage, Json receipt) const {
  Json out = Json::object({{"id", options_.id},
                           {"object", chunk_name()},
                           {"created", options_.created},
                           {"model", options_.model},
                           {"system_fingerprint", nullptr},
                           {"choices", std::move(choices)}});
  if (options_.include_usage) out.set("usage", std::move(usage));
  if (!receipt.is_null()) out.set(kReceiptMember, std::move(receipt));
  return data_event(out);
}

std::string Answer::close_stream(Json receipt) const {
  std::string out;
  if (options_.include_usage) out = chunk(Json::array(), usage_json(usage_));
  if (!receipt.is_null()) out += chunk(Json::array(), {}, std::move(receipt));
  return out + "data: [DONE]\n\n";
}

Json Answer::body(Json receipt) const {
  Json out = Json::object({{"id", options_.id},
                           {"object", object_name()},
                           {"created", options_.created},
                           {"model", options_.model},
                           {"system_fingerprint", nullptr},
                           {"choices", choices_json()},
                           {"usage", usage_json(usage_)}});
  if (!receipt.is_null()) out.set(kReceiptMember, std::move(receipt));
  return out;
}

std::string stream_error(const ApiError& error) {
  return data_event(error_json(error));
}

Json finish_reason(EventFinish finish) {
  switch (finish) {
    case EventFinish::kStop:
      return "stop";
    case EventFinish::kLength:
      return "length";
    case EventFinish::kNone:
    case EventFinish::kCancelled:
    case EventFinish::kError:
      break;
  }
  return nullptr;
}

std::string token_text(std::string_view bytes) {
  if (base::is_utf8(bytes)) return std::string(bytes);
  std::string out = "bytes:";
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

double finite_logprob(float logprob) {
  const double value = static_cast<double>(logprob);
  return std::isfinite(value) ? std::max(value, kLogprobMin) : kLogprobMin;
}

}  // namespace daemon_gateway
