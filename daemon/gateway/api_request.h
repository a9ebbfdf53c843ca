// The body of POST /v1/chat/completions and /v1/completions: bytes to what the engine is asked, or
// an ApiError that names the field. Pure functions; the fuzz target is
// tests/fuzz/api_request_fuzz.cc.
#ifndef DAEMON_GATEWAY_API_REQUEST_H_
#define DAEMON_GATEWAY_API_REQUEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/gateway/api_error.h"
#include "daemon/gateway/mailbox.h"
#include "daemon/ipc/messages.h"

namespace daemon_gateway {

struct ApiRequest {
  std::vector<Submission>
      prompts;  // one for chat; choice c of prompt p is choice p * n + c of the answer
  std::uint32_t choices = 1;  // "n", per prompt
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
  std::string user;  // the client's name for its end user: for the logs
  std::string tag;   // metadata.tag, for the audit log
};

// `seed_if_absent` is drawn by the caller, so that this stays a function.
ApiResult<ApiRequest> parse_chat_request(std::string_view body, const daemon_ipc::Hello& model,
                                         std::uint64_t seed_if_absent);
ApiResult<ApiRequest> parse_completion_request(std::string_view body,
                                               const daemon_ipc::Hello& model,
                                               std::uint64_t seed_if_absent);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_API_REQUEST_H_
