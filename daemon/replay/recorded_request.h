// One request as the log has it: what its admission and its end say of how its tokens came about
// (daemon/audit/RECORDS.md sections 2 and 3).
#ifndef DAEMON_REPLAY_RECORDED_REQUEST_H_
#define DAEMON_REPLAY_RECORDED_REQUEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/audit/records/record.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_replay {

struct RecordedChoice {
  std::uint32_t tokens = 0;
  std::string finish;         // "stop", "length"; empty or another: it did not come to its end
  std::string tokens_digest;  // empty: not kept

  bool whole() const { return finish == "stop" || finish == "length"; }
};

struct RecordedPrompt {
  std::uint32_t tokens = 0;
  std::uint32_t tokens_max = 0;
};

struct RecordedRequest {
  std::string id;
  std::uint64_t finished_at = 0;  // indexes of the records
  std::uint64_t admitted_at = 0;
  bool chat = false;  // else a completion
  std::string model_name;
  std::string model_digest;
  std::string kernels;
  base::Json parameters = base::Json::object();
  std::uint64_t seed = 0;
  std::int64_t created = 0;
  std::vector<RecordedPrompt> prompts;
  std::string body_digest;    // salted; empty: not kept
  std::string sealed_body;    // digest of the file; empty: none
  std::string sealed_tokens;  // likewise
  std::string outcome;
  std::vector<RecordedChoice> choices;  // by index: choice c of prompt p is p * n + c

  bool ok() const { return outcome == "ok"; }

  // kCorrupt: what cannot be the two ends of one request.
  static base::Result<RecordedRequest> read(const daemon_audit::Record& admitted,
                                            const daemon_audit::Record& finished);
};

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_RECORDED_REQUEST_H_
