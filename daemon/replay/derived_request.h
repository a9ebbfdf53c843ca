// From a recorded request and the body that its client sent to what an engine is asked: by the
// gateway's own parser and the engine's own prompt, and only if every effective parameter comes out
// as it was recorded.
#ifndef DAEMON_REPLAY_DERIVED_REQUEST_H_
#define DAEMON_REPLAY_DERIVED_REQUEST_H_

#include <string_view>
#include <vector>

#include "daemon/engine/prompt.h"
#include "daemon/ipc/messages.h"
#include "daemon/replay/recorded_request.h"
#include "hardening/base/result.h"
#include "runtime/engine/request.h"

namespace daemon_replay {

// One request per prompt, ids and tenants not set. kDenied names what differs; kInvalidInput,
// kExhausted: the body is none that could have been admitted here.
base::Result<std::vector<runtime::GenerationRequest>> derive_requests(
    const RecordedRequest& recorded, std::string_view body,
    const daemon_engine::PromptTools& tools);

// `parameters` of request.admitted against what was parsed (daemon/audit/RECORDS.md section 2).
base::Status check_parameters(const base::Json& parameters, const daemon_ipc::RequestBegin& begin);

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_DERIVED_REQUEST_H_
