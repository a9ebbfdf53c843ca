// One generation request inside a worker: hands the prompts to the engine, waits for admission,
// then turns events into a whole answer or a stream.
//
// Recorded before it leaves: the admission is durable in the audit log before the first byte of the
// answer is written, the outcome before the last. Whatever was recorded as admitted has its end
// recorded, by the destructor if need be.
#ifndef DAEMON_GATEWAY_GENERATION_H_
#define DAEMON_GATEWAY_GENERATION_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "daemon/gateway/answer.h"
#include "daemon/gateway/api_request.h"
#include "daemon/gateway/audit_policy.h"
#include "daemon/gateway/engine_status.h"
#include "daemon/gateway/exchange.h"
#include "daemon/gateway/metrics.h"
#include "daemon/gateway/reply.h"
#include "daemon/gateway/request_record.h"
#include "hardening/base/clock.h"
#include "hardening/base/log.h"

namespace daemon_gateway {

// Set by the event loop, read by workers.
struct GenerationTimes {
  std::atomic<std::uint32_t> request_timeout_ms = 0;  // 0: none
  std::atomic<std::uint32_t> ping_interval_ms = 10'000;
};

// What every request of the gateway shares; outlives them.
struct GenerationTools {
  const EngineStatus& status;
  Mailbox& mailbox;
  const base::Clock& clock;
  const base::Logger& log;
  const GenerationTimes& times;
  const AuditPolicies& policies;
  Metrics& metrics;
};

class Generation final : public ReplyStream {
 public:
  // `record` knows what is asked.
  Generation(Exchange& exchange, const GenerationTools& tools, ApiRequest request,
             std::unique_ptr<Answer> answer, std::unique_ptr<RequestRecord> record);
  // Logs how the request went.
  ~Generation() override;
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Until every prompt is admitted, and that is recorded; the error when one is not, or it cannot
  // be.
  ApiStatus admit();

  // The whole answer. Requires admit().
  ApiResult<base::Json> collect();

  // The next events of the stream, or a comment while there are none. Requires admit().
  Step next(std::string& out_piece) override;

 private:
  Exchange::Wait wait(std::int64_t until_ns, EngineNews& out_news);
  ApiStatus take(const EngineNews& news, std::string* out_piece);
  Step step(std::string& out_piece);
  Step close(std::string& out_piece);
  ApiStatus await_engine();
  ApiStatus record_admission();
  void finish();
  void count(const daemon_ipc::Event& event, std::int64_t now_ns);
  void end_record(std::string outcome, int status, bool waits);
  Exchange::Wait wait_end_recorded(std::int64_t until_ns);
  base::Json receipt() const;
  ApiError fail(ApiError error);
  ApiError lost(const EngineNews& news);

  Exchange& exchange_;
  const GenerationTools& tools_;
  ApiRequest request_;
  std::unique_ptr<Answer> answer_;
  std::unique_ptr<RequestRecord> record_;
  std::int64_t started_ns_;
  std::int64_t deadline_ns_;
  std::deque<EngineNews> early_;  // events that came before the last prompt was admitted
  std::uint32_t unfinished_;      // choices of all prompts
  std::size_t text_bytes_ = 0;
  bool opened_ = false;
  bool spoke_ = false;  // the first token has come
  bool ended_ = false;  // the end is on its way into the audit log
  std::int64_t record_deadline_ns_ = 0;
  Recorded end_recorded_;
  std::string outcome_ = "cancelled";
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_GENERATION_H_
