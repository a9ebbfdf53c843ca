// A question of a golden or evaluation set as the request it would be if a client asked it.
#ifndef DAEMON_ENGINE_QUESTION_H_
#define DAEMON_ENGINE_QUESTION_H_

#include <cstdint>

#include "daemon/engine/prompt.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/engine/request.h"

namespace daemon_engine {

// `prompt` is a text or a list of chat messages; the answer is greedy. `time` is for the chat
// template, unix seconds. With `left_open` the last message is the beginning of the answer.
base::Result<runtime::GenerationRequest> ask(const PromptTools& tools, base::Json prompt,
                                             std::int64_t time, std::uint32_t tokens_max,
                                             bool left_open = false);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_QUESTION_H_
