// Whatever a client sends becomes an ApiError of status 400 or 404, or a request within its limits
// whose engine body parses again and whose message fits the protocol.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/gateway/api_request.h"
#include "daemon/gateway/limits.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

const daemon_ipc::Hello kModel{.model_id = "m",
                               .created = 1,
                               .context_tokens = 1'000,
                               .vocabulary = 500,
                               .choices_max = 8,
                               .sequences_max = 16,
                               .has_chat_template = true};

void check(daemon_gateway::ApiResult<daemon_gateway::ApiRequest> parsed) {
  if (!parsed.ok()) {
    require(parsed.error().status == 400 || parsed.error().status == 404);
    require(!parsed.error().message.empty());
    return;
  }
  const daemon_gateway::ApiRequest& request = parsed.value();
  require(!request.prompts.empty() && request.prompts.size() <= daemon_gateway::kPromptsMax);
  require(request.prompts.size() * request.choices <= daemon_gateway::kChoicesTotalMax);
  require(request.user.size() <= daemon_gateway::kUserBytesMax);
  require(request.tag.size() <= daemon_gateway::kTagBytesMax);
  for (const auto& prompt : request.prompts) {
    const auto& begin = prompt.begin;
    require(begin.choices >= 1 && begin.choices <= kModel.choices_max &&
            begin.choices == request.choices);
    require(begin.tokens_max <= kModel.context_tokens);
    require(begin.top_p > 0 && begin.top_p <= 1 && begin.temperature >= 0 &&
            begin.temperature <= 2);
    require(begin.repetition_penalty > 0 && begin.top_k >= 0);
    const auto body = base::Json::parse(prompt.body);
    require(body.ok() && body.value().is_object());
    const auto message = daemon_ipc::parse(daemon_ipc::serialize(begin));
    require(message.ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(daemon_gateway::parse_chat_request(text, kModel, 1));
  check(daemon_gateway::parse_completion_request(text, kModel, 1));
  return 0;
}
