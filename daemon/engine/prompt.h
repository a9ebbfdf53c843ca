// From a request's body to the tokens the model reads.
#ifndef DAEMON_ENGINE_PROMPT_H_
#define DAEMON_ENGINE_PROMPT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/chat_template/chat_template.h"
#include "runtime/engine/request.h"
#include "runtime/tokenizer/tokenizer.h"

namespace daemon_engine {

// What turns text into tokens; borrows.
struct PromptTools {
  const runtime::Tokenizer& tokenizer;
  const runtime::ChatTemplate* chat_template;  // null when the model has none
  std::size_t context_tokens_max;
};

// Why a request was refused, in the words of the API.
struct Refusal {
  base::ErrorCode code = base::ErrorCode::kInvalidInput;
  std::string_view api_code;  // a literal
  std::string_view param;     // a literal
  std::string message;
};

// A complete request as the engine takes it, or why not. `body` is the JSON object of daemon/PROTOCOL.md section 4,
// bounded and checked here once more. On a refusal nothing is kept.
std::variant<runtime::GenerationRequest, Refusal> make_request(const daemon_ipc::RequestBegin& begin,
                                                               std::string_view body, const PromptTools& tools);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_PROMPT_H_
