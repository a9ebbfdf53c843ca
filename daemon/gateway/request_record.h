// What the audit log keeps of one generation request: gathered while it runs, told twice
// (daemon/audit/RECORDS.md sections 2 to 5). Belongs to the request's worker.
#ifndef DAEMON_GATEWAY_REQUEST_RECORD_H_
#define DAEMON_GATEWAY_REQUEST_RECORD_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/gateway/api_request.h"
#include "daemon/gateway/audit_policy.h"
#include "daemon/gateway/audit_report.h"
#include "daemon/gateway/exchange.h"
#include "provisioning/sha256.h"

namespace daemon_gateway {

class RequestRecord {
 public:
  // `body` is the HTTP body as it came. Borrows the request it belongs to.
  RequestRecord(const Exchange::Request& request, std::shared_ptr<const AuditPolicy> policy,
                std::string body);

  // Before the prompts leave for the engine.
  void asked(const ApiRequest& request, const std::string& model_name);
  void admitted(std::uint32_t prompt, const daemon_ipc::Admitted& admitted,
                const std::optional<AnswerMaker>& maker);
  // `choice` counts over all prompts.
  void emitted(std::uint32_t choice, const daemon_ipc::Event& event, std::int64_t now_ns);
  void resumed(std::uint32_t engines);

  // Once, when every prompt is admitted; lets go of the body. An Error: it cannot be sealed.
  base::Result<AuditReport> admission();

  struct Outcome {
    std::string text;  // "ok", "cancelled" or an error's code
    int status = 0;
    std::int64_t now_ns = 0;
  };
  // Once, after admission(). An answer that cannot be sealed is recorded without.
  AuditReport completion(const Outcome& outcome);

  // {"format":"redoubt-receipt/1",…}, of the completion's proof.
  base::Json receipt(const daemon_ipc::Proof& proof) const;

 private:
  struct Prompt {
    std::uint32_t tokens = 0;
    std::uint32_t tokens_max = 0;
  };
  struct Choice {
    std::vector<std::int32_t> tokens;
    provisioning::Sha256 text;  // after the salt
    daemon_ipc::EventFinish finish = daemon_ipc::EventFinish::kNone;
    std::uint32_t completion_tokens = 0;  // once it has finished
  };

  base::Json common() const;
  base::Json choices_json();
  base::Result<std::string> seal(std::string_view text) const;
  static base::Json sealed_json(std::string_view sealed);

  const Exchange::Request& request_;
  const std::shared_ptr<const AuditPolicy> policy_;
  const daemon_audit::Salt salt_;
  std::string body_;
  std::size_t body_bytes_ = 0;
  std::string body_digest_;  // empty: not to be told

  std::string user_;
  std::string tag_;
  bool stream_ = false;
  std::string model_name_;
  AnswerMaker maker_;
  daemon_ipc::RequestBegin asked_;  // of the first prompt: all have the same parameters
  std::vector<Prompt> prompts_;
  std::deque<Choice> choices_;
  std::uint64_t cached_tokens_ = 0;
  std::uint64_t device_us_ = 0;
  std::uint32_t resumed_ = 0;
  std::optional<std::int64_t> first_token_ns_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_REQUEST_RECORD_H_
