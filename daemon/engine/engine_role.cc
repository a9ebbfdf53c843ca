#include "daemon/engine/engine_role.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/engine/engine_config.h"
#include "daemon/engine/engine_server.h"
#include "daemon/engine/loaded_model.h"
#include "daemon/engine/start_checks.h"
#include "daemon/ipc/channel.h"
#include "daemon/progress/progress_page.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/log.h"
#include "hardening/base/utf8.h"
#include "runtime/model/kernel_status.h"

namespace daemon_engine {
namespace {

using base::Status;
using daemon_supervisor::RoleContext;

// A release's statement and a trust root travel in it.
constexpr std::size_t kConfigBytesMax = 64u << 20;

// Exit statuses (daemon/PROTOCOL.md, section 10): the supervisor starts an engine again after each
// of them but kRejected, and has the GPU looked after where it was the device.
constexpr int kFailed = 1;
constexpr int kDeviceFailed = 3;
constexpr int kDeviceHung = 4;
constexpr int kRejected = 5;
constexpr int kDeviceUnfit = 6;

// Progress goes out at most this often: the supervisor wants to know that it moves, not how every
// tensor fares.
constexpr std::int64_t kProgressIntervalNs = 100'000'000;

base::Result<EngineConfig> read_config(const base::Fd& fd) {
  const std::string text =
      TRY(base::read_text(fd, kConfigBytesMax).context("engine configuration"));
  return EngineConfig::parse(
      TRY(base::Json::parse(text, {.bytes_max = kConfigBytesMax}).context("engine configuration")));
}

class ProgressSender {
 public:
  ProgressSender(daemon_ipc::Channel& control, const base::Clock& clock)
      : control_(control), clock_(clock) {}

  void operator()(std::uint64_t done, std::uint64_t total, std::string_view what) {
    const std::int64_t now_ns = clock_.monotonic_ns();
    if (now_ns - sent_ns_ < kProgressIntervalNs && done != total) return;
    sent_ns_ = now_ns;
    // A full channel or one that ended: the loop behind the loading finds out.
    (void)control_.send(daemon_ipc::Progress{done, total, std::string(what)});
  }

 private:
  daemon_ipc::Channel& control_;
  const base::Clock& clock_;
  std::int64_t sent_ns_ = 0;
};

// Tells the supervisor which GPUs are about to be touched, when that changes; nothing before a GPU
// is.
class GpuNames {
 public:
  GpuNames(daemon_ipc::Channel& control, const base::Logger& log) : control_(control), log_(log) {}

  void tell(std::vector<std::string> uuids) {
    std::erase_if(uuids, [](const std::string& uuid) {
      return uuid.empty() || uuid.size() > daemon_ipc::kGpuUuidBytesMax || !base::is_utf8(uuid);
    });
    if (uuids.size() > daemon_ipc::kGpusInUseMax) uuids.resize(daemon_ipc::kGpusInUseMax);
    if (uuids == told_) return;
    const Status sent = control_.send(daemon_ipc::GpusInUse{uuids});
    if (!sent.ok())
      log_.warning("the supervisor does not hear which GPUs compute: " + sent.error().message);
    told_ = std::move(uuids);
  }
  bool any() const { return !told_.empty(); }

 private:
  daemon_ipc::Channel& control_;
  const base::Logger& log_;
  std::vector<std::string> told_;
};

base::Json ready_report(const LoadedModel& model, const EngineConfig& config, std::int64_t load_ms,
                        StartChecks checks, const hardening::Sandbox& sandbox) {
  base::Json memory = base::Json::array();
  for (const std::string& line : model.decoder->plan().summary()) memory.push_back(line);
  base::Json gpus = base::Json::array();
  for (const kernels::cuda::Gpu& gpu : model.backend.gpus) gpus.push_back(gpu.uuid);
  base::Json report = base::Json::object(
      {{"model", config.model_id},
       {"digest", model.digest},
       {"signer", model.signer},
       {"kernels", model.kernels},
       {"backend", model.backend.describe(model.kernels)},
       {"gpus", std::move(gpus)},
       {"context_tokens", static_cast<std::uint64_t>(model.decoder->shape().context_tokens_max)},
       {"load_ms", load_ms},
       {"load_phases_ms", base::Json::object({{"adopted", model.adopted},
                                              {"verify", model.times.verify_ms},
                                              {"read", model.times.read_ms},
                                              {"tokenizer", model.times.tokenizer_ms},
                                              {"weights", model.times.weights_ms},
                                              {"engine", model.times.engine_ms}})},
       {"memory", std::move(memory)},
       {"known_answer", std::move(checks.known_answer)},
       {"sandbox", sandbox.report().serialize()}});
  if (checks.known_answers) report.set("known_answers", std::move(*checks.known_answers));
  if (checks.qualification) report.set("qualification", std::move(*checks.qualification));
  return report;
}

// Gives the supervisor what the next engine can start from, if there is such a thing. Not being rid
// of it is no reason to fail: the next engine then reads the model again.
void hand_over(daemon_ipc::Channel& control, LoadedModel::Kept kept, const base::Logger& log) {
  if (!kept.memory.is_open()) return;
  const Status sent =
      control.send(daemon_ipc::Weights{kept.bytes, std::move(kept.key)}, &kept.memory);
  if (!sent.ok()) log.warning("weights are not handed over: " + sent.error().message);
}

// As much of a text as fits, in whole characters.
std::string shortened(std::string_view rest, std::size_t bytes_max) {
  constexpr std::size_t kCharacterBytesMax = 4;
  std::string text;
  while (!rest.empty() && text.size() + kCharacterBytesMax <= bytes_max) {
    const base::Utf8Char next = base::decode_utf8(rest);
    base::append_utf8(text, next.code_point);
    rest.remove_prefix(next.bytes);
  }
  return text;
}

// Tells the supervisor that starting again is of no use, and why.
void reject(daemon_ipc::Channel& control, const base::Error& why, const base::Logger& log) {
  const Status sent =
      control.send(daemon_ipc::Rejected{shortened(why.message, daemon_ipc::kRejectedTextBytesMax)});
  if (!sent.ok())
    log.warning("the supervisor does not hear why the model is rejected: " + sent.error().message);
}

// What people are shown of a start that failed, until the next one. The log has it whole.
void tell_failure(daemon_ipc::Channel& control, const base::Error& why) {
  (void)control.send(
      daemon_ipc::Progress{0, 0, shortened(why.message, daemon_ipc::kProgressTextBytesMax)});
}

// Why an engine ends before its control channel does.
struct Ending {
  bool rejected = false;
  bool ready = false;  // it was, before
  bool unfit = false;  // its GPUs: they could not be had or loaded, or answered wrongly
  // Not destroyed where its device failed: a driver that hangs would not let us go.
  std::optional<LoadedModel> model;
};

Status serve(RoleContext& context, daemon_ipc::Channel& control, const EngineHooks& hooks,
             const base::Logger& log, Ending& ending) {
  const base::SystemClock clock;
  const std::int64_t started_ns = clock.monotonic_ns();
  const EngineConfig config = TRY(read_config(context.config));
  if (context.resources.size() < 2 || context.resources.size() > 3)
    return base::invalid_input(
        "the engine wants the model's directory, a progress page and perhaps weights");
  auto page =
      TRY(daemon_progress::ProgressWriter::map(context.resources[1]).context("descriptor 6"));
  TRY(context.resources[1].close());
  page.counter().fetch_add(1);  // the first sign of life: patience is longer from here on

  base::Fd former_weights =
      context.resources.size() > 2 ? std::move(context.resources[2]) : base::Fd();
  const LoadReporter reporter = ProgressSender(control, clock);
  GpuNames gpus(control, log);
  auto loaded =
      LoadedModel::load(std::move(context.resources[0]), std::move(former_weights),
                        {.config = config,
                         .clock = clock,
                         .progress = reporter,
                         .page = &page,
                         .hooks = hooks,
                         .name_gpus = [&gpus](auto uuids) { gpus.tell(std::move(uuids)); }})
          .context("load model");
  // Somebody we trust did not sign this, and never will have.
  ending.rejected = !loaded.ok() && loaded.error().code == base::ErrorCode::kDenied;
  ending.unfit = !loaded.ok() && gpus.any();
  LoadedModel& model = ending.model.emplace(TRY(std::move(loaded)));
  if (!model.note.empty()) log.warning(model.note);
  if (!model.backend.reason.empty()) log.notice("no GPU computes: " + model.backend.reason);
  hand_over(control, std::move(model.kept), log);
  CheckEngines check_engines = TRY(make_check_engines(model, config));
  TRY(context.sandbox.lock_down());
  const std::int64_t load_ms = (clock.monotonic_ns() - started_ns) / 1'000'000;
  // Behind the door: what is checked against is a signed file, but a parser is a parser.
  auto checked = run_start_checks(model, config, check_engines, clock, reporter);
  ending.rejected = !checked.ok() && checked.error().code != base::ErrorCode::kDevice;
  ending.unfit = !checked.ok() && is_wrong_answer(checked.error());
  StartChecks checks = TRY(std::move(checked));
  if (!checks.note.empty()) log.warning(checks.note);
  check_engines = {};
  model.golden.reset();
  model.evaluations.clear();
  TRY(control.send(daemon_ipc::Ready{
      ready_report(model, config, load_ms, std::move(checks), context.sandbox).dump()}));
  ending.ready = true;
  log.info("model loaded",
           {{"model", config.model_id}, {"kernels", model.kernels}, {"ms", load_ms}});

  const PromptTools tools{*model.tokenizer, model.chat_template.get(),
                          model.decoder->shape().context_tokens_max};
  EngineServer server(config, {*model.engine, tools, clock, log, model.timed_decoder.get(),
                               model.digest, model.kernel_set, model.release});
  return server.run(control);
}

}  // namespace

int run_engine_role(RoleContext context, const EngineHooks& hooks) {
  const base::Logger log("engine");
  daemon_ipc::Channel control(std::move(context.control));
  Ending ending;
  const Status status = serve(context, control, hooks, log, ending);
  if (status.ok()) return 0;
  const base::Error& error = status.error();
  log.error(error.message, {{"kind", base::error_code_name(error.code)}});
  if (ending.rejected) {
    reject(control, error, log);
    return kRejected;
  }
  if (!ending.ready) tell_failure(control, error);
  if (error.code != base::ErrorCode::kDevice) return kFailed;
  // At once, and past every destructor: nothing of the device's is given back to it.
  if (runtime::is_hung(error)) ::_exit(kDeviceHung);
  ::_exit(ending.unfit ? kDeviceUnfit : kDeviceFailed);
}

}  // namespace daemon_engine
