#include "daemon/engine/question.h"

#include <utility>
#include <variant>

namespace daemon_engine {

base::Result<runtime::GenerationRequest> ask(const PromptTools& tools, base::Json prompt,
                                             std::int64_t time, std::uint32_t tokens_max,
                                             bool left_open) {
  daemon_ipc::RequestBegin begin;
  const bool chat = prompt.is_array();
  begin.kind = chat ? daemon_ipc::RequestKind::kChat : daemon_ipc::RequestKind::kCompletion;
  begin.tokens_max = tokens_max;
  begin.temperature = 0;
  begin.time = time;
  begin.continue_final_message = left_open;
  begin.add_generation_prompt = !left_open;
  const base::Json body = base::Json::object({{chat ? "messages" : "prompt", std::move(prompt)}});
  auto made = make_request(begin, body.dump(), tools);
  if (const auto* refusal = std::get_if<Refusal>(&made))
    return base::Error{refusal->code, 0, refusal->message};
  return std::get<runtime::GenerationRequest>(std::move(made));
}

}  // namespace daemon_engine
