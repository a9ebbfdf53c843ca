// What chat and completion requests share: the body as JSON, the model, sampling, stopping,
// streaming.
#ifndef DAEMON_GATEWAY_COMMON_FIELDS_H_
#define DAEMON_GATEWAY_COMMON_FIELDS_H_

#include <cstdint>
#include <string_view>

#include "daemon/gateway/api_request.h"
#include "daemon/gateway/request_fields.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"

namespace daemon_gateway {

// The body as an object: 400 invalid_json, or a wrong type.
ApiResult<base::Json> parse_body(std::string_view body);

// "model": required, and the one that is loaded.
ApiStatus check_model(RequestFields& fields, const daemon_ipc::Hello& model);

// temperature, top_p, top_k, min_p, the penalties, seed.
ApiStatus read_sampling(RequestFields& fields, std::uint64_t seed_if_absent,
                        daemon_ipc::RequestBegin& out_begin);

// n, best_of, min_tokens, ignore_eos, include_stop_str_in_output; tokens_max is set already.
ApiStatus read_generation(RequestFields& fields, const daemon_ipc::Hello& model,
                          daemon_ipc::RequestBegin& out_begin);

// stop, stop_token_ids and logit_bias, appended to the object that becomes the engine's body.
ApiStatus read_stopping(RequestFields& fields, const daemon_ipc::Hello& model,
                        base::Json& out_body);

// stream, stream_options, user, metadata, response_format, and what is known but not offered.
ApiStatus read_delivery(RequestFields& fields, ApiRequest& out_request);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_COMMON_FIELDS_H_
