// What the engine role does once its model is loaded, message by message; apart from the role so
// that it can be tested over a socketpair.
#ifndef DAEMON_ENGINE_ENGINE_SERVER_H_
#define DAEMON_ENGINE_ENGINE_SERVER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/engine/arrivals.h"
#include "daemon/engine/engine_config.h"
#include "daemon/engine/gateway_link.h"
#include "daemon/engine/prompt.h"
#include "daemon/engine/timed_decoder.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/clock.h"
#include "hardening/base/log.h"
#include "runtime/engine/engine.h"

namespace daemon_engine {

class EngineServer {
 public:
  struct Parts {
    runtime::Engine& engine;
    PromptTools tools;
    const base::Clock& clock;
    const base::Logger& log;
    const TimedDecoder* decoder = nullptr;  // the engine's, where its time is to be told
    // What the tokens of a request follow from, beside the request.
    std::string_view model_digest = {};
    std::string_view kernels = {};
    std::string_view release_digest = {};  // empty: a bare model
  };

  EngineServer(const EngineConfig& config, const Parts& parts);

  // Serves until the control channel ends. Fails with kDevice when the decoder does, and with
  // whatever broke the control channel.
  base::Status run(daemon_ipc::Channel& control);

 private:
  base::Status wait(const daemon_ipc::Channel& control);
  // False once the control channel has ended.
  base::Result<bool> read_control(daemon_ipc::Channel& control);
  base::Status answer_ping(daemon_ipc::Channel& control);
  void greet(base::Fd channel);

  void read_gateway();
  base::Status handle(daemon_ipc::Message message);
  void submit(Arrivals::Complete arrived);
  // To the choices that are not resumed.
  void echo(std::uint64_t id, const std::vector<bool>& fresh, const std::string& prompt);
  void refuse(std::uint64_t id, const Refusal& refusal);
  void lose_gateway(const base::Error& why);
  base::Status ask_for_gateway(daemon_ipc::Channel& control);

  base::Status compute();
  void announce(std::uint64_t request);
  void begin_step();
  void deliver(const runtime::GenerationEvent& event);
  std::string stats();

  const EngineConfig& config_;
  Parts parts_;
  GatewayLink gateway_;
  bool wants_gateway_ = false;  // lost one, and the supervisor does not know yet
  EventPacker packer_;
  Arrivals arrivals_;
  struct Live {
    std::uint32_t open_choices;
  };
  std::unordered_map<std::uint64_t, Live> live_;  // submitted, not every choice finished
  std::uint64_t work_ = 0;                        // units done so far: steps, and requests taken in
  std::int64_t measured_ns_ = 0;                  // of the last `alive`
  std::uint64_t measured_tokens_ = 0;
  // From the beginning of a step to the beginning of the next, where one follows the other: what is
  // not the model's is ours.
  struct StepTime {
    std::int64_t total_ns = 0;
    std::int64_t model_ns = 0;
    std::uint64_t steps = 0;
  };
  StepTime step_time_;
  std::int64_t step_begin_ns_ = 0;
  std::int64_t step_model_ns_ = 0;  // the decoder's stopwatch then
  bool in_a_row_ = false;           // the next step follows at once
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ENGINE_SERVER_H_
