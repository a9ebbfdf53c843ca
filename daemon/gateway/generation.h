// One generation request inside a worker: hands the prompts to the engine, waits for admission,
// then turns events into a whole answer or a stream.
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
#include "daemon/gateway/engine_status.h"
#include "daemon/gateway/exchange.h"
#include "daemon/gateway/reply.h"
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
};

class Generation final : public ReplyStream {
 public:
  Generation(Exchange& exchange, const GenerationTools& tools, ApiRequest request,
             std::unique_ptr<Answer> answer);
  // Logs how the request went.
  ~Generation() override;
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Until every prompt is admitted; the error when one is not.
  ApiStatus admit();

  // The whole answer. Requires admit().
  ApiResult<base::Json> collect();

  // The next events of the stream, or a comment while there are none. Requires admit().
  Step next(std::string& out_piece) override;

 private:
  Exchange::Wait wait(std::int64_t until_ns, EngineNews& out_news);
  ApiStatus take(const EngineNews& news, std::string* out_piece);
  Step step(std::string& out_piece);
  ApiError fail(ApiError error);
  ApiError lost(const EngineNews& news);

  Exchange& exchange_;
  const GenerationTools& tools_;
  ApiRequest request_;
  std::unique_ptr<Answer> answer_;
  std::int64_t started_ns_;
  std::int64_t deadline_ns_;
  std::deque<EngineNews> early_;  // events that came before the last prompt was admitted
  std::uint32_t unfinished_;      // choices of all prompts
  std::size_t text_bytes_ = 0;
  bool opened_ = false;
  std::string outcome_ = "cancelled";
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_GENERATION_H_
