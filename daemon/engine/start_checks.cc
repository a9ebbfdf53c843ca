#include "daemon/engine/start_checks.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/engine/evaluation_set.h"
#include "daemon/engine/golden_set.h"
#include "daemon/engine/known_answers.h"
#include "daemon/engine/prompt.h"
#include "daemon/engine/qualification.h"

namespace daemon_engine {
namespace {

using base::Result;
using base::Status;

// The KV format golden sets are made with.
constexpr std::string_view kGoldenKvFormat = "f16";

std::string_view text_of(const base::VerifiedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// Beside kDevice, as ETIMEDOUT is for a device that hangs (runtime/model/kernel_status.h).
constexpr int kWrongAnswer = EBADMSG;

std::size_t qualifying_window(const EngineConfig& config) {
  return std::max<std::size_t>(1, config.queue_max);
}

class Checks {
 public:
  Checks(const LoadedModel& model, const EngineConfig& config, const CheckEngines& engines,
         const base::Clock& clock, const LoadReporter& progress)
      : model_(model), config_(config), engines_(engines), clock_(clock), progress_(progress) {}

  Result<StartChecks> run() {
    if (model_.golden)
      golden_ = TRY(GoldenSet::parse(text_of(*model_.golden)).context(model_.golden->name()));
    TRY(ask_known());
    if (config_.qualify) TRY(run_qualification());
    return std::move(checks_);
  }

 private:
  // What was written down cannot be read: begin anew, as on the first day.
  KnownAnswers former_answers() {
    auto known = KnownAnswers::parse(config_.known_answers);
    if (known.ok()) return std::move(known).value();
    checks_.note = "the known answers cannot be read and are made anew: " + known.error().message;
    return {};
  }

  std::vector<runtime::TokenId> new_prompt() const {
    std::vector<runtime::TokenId> prompt =
        golden_ ? golden_->prompts.front().tokens : fixed_prompt(*model_.tokenizer);
    const std::size_t context = model_.decoder->shape().context_tokens_max;
    prompt.resize(
        std::min({prompt.size(), kKnownPromptTokensMax, std::max<std::size_t>(1, context / 2)}));
    return prompt;
  }

  Status ask_known() {
    KnownAnswers known = former_answers();
    const std::int64_t begin_ns = clock_.monotonic_ns();
    KnownAnswer now = {model_.kernels, config_.kv_format, model_.file, {}, {}, {}};
    const KnownAnswer* former = known.find(now.kernels, now.kv, now.file);
    now.prompt = former != nullptr ? former->prompt : new_prompt();
    Status answered = answer(former, now);
    if (!answered.ok() && former != nullptr) return blame(std::move(answered).error());
    TRY(std::move(answered));
    checks_.known_answer =
        base::Json::object({{"result", former != nullptr ? "matched" : "recorded"},
                            {"kernels", now.kernels},
                            {"us", (clock_.monotonic_ns() - begin_ns) / 1'000}});
    if (former != nullptr) return {};
    known.add(std::move(now));
    checks_.known_answers = known.serialize();
    return {};
  }

  Status answer(const KnownAnswer* former, KnownAnswer& now) {
    TRY(answer_prompt(*engines_.answering, model_.decoder->shape().context_tokens_max, now)
            .context("known-answer test"));
    if (former != nullptr) TRY(compare_answers(*former, now));
    return model_.timed_decoder->draws() ? ask_drawn(now) : Status();
  }

  // Of a model that has answered rightly on this kernel set.
  base::Error blame(base::Error error) const {
    const bool gpu =
        model_.backend.kind == BackendKind::kCuda && error.code == base::ErrorCode::kDenied;
    if (!gpu) return error;
    return {base::ErrorCode::kDevice, kWrongAnswer, std::move(error.message)};
  }

  // The same answer once more, with tokens that the device draws itself.
  Status ask_drawn(const KnownAnswer& known) {
    KnownAnswer drawn = {known.kernels, known.kv, known.file, known.prompt, {}, {}};
    TRY(answer_prompt(*engines_.answering, model_.decoder->shape().context_tokens_max, drawn,
                      AnswerWith::kTokens)
            .context("known-answer test"));
    if (drawn.tokens == known.tokens) return {};
    return base::denied("known-answer test failed: the device draws other tokens than the host");
  }

  Status run_qualification() {
    std::vector<EvaluationSet> evaluations;
    for (const base::VerifiedFile& file : model_.evaluations) {
      evaluations.push_back(TRY(EvaluationSet::parse(text_of(file)).context(file.name())));
    }
    const QualificationContext context{.engine = *engines_.qualifying,
                                       .window = qualifying_window(config_),
                                       .tools = {*model_.tokenizer, model_.chat_template.get(),
                                                 model_.decoder->shape().context_tokens_max},
                                       .kernels = model_.kernels,
                                       .exact = config_.kv_format == kGoldenKvFormat,
                                       .time = model_.issued,
                                       .progress = [this](std::uint64_t done, std::uint64_t total) {
                                         progress_(done, total, "qualifying");
                                       }};
    const auto report = TRY(qualify(context, golden_ ? &*golden_ : nullptr, evaluations)
                                .context("qualification failed"));
    if (!report.passed()) return base::denied(report.failure());
    checks_.qualification = report.serialize();
    return {};
  }

  const LoadedModel& model_;
  const EngineConfig& config_;
  const CheckEngines& engines_;
  const base::Clock& clock_;
  const LoadReporter& progress_;
  std::optional<GoldenSet> golden_;
  StartChecks checks_;
};

}  // namespace

Result<CheckEngines> make_check_engines(const LoadedModel& model, const EngineConfig& config) {
  CheckEngines engines;
  engines.answering = TRY(make_answering_engine(*model.timed_decoder, *model.tokenizer));
  if (!config.qualify) return engines;
  engines.qualifying = TRY(runtime::Engine::create({.sequences_max = config.sequences_max,
                                                    .queue_max = qualifying_window(config),
                                                    .step_tokens_max = config.step_tokens_max,
                                                    .prefix_cache = config.prefix_cache},
                                                   *model.timed_decoder, *model.tokenizer));
  return engines;
}

Result<StartChecks> run_start_checks(const LoadedModel& model, const EngineConfig& config,
                                     const CheckEngines& engines, const base::Clock& clock,
                                     const LoadReporter& progress) {
  return Checks(model, config, engines, clock, progress).run();
}

bool is_wrong_answer(const base::Error& error) {
  return error.code == base::ErrorCode::kDevice && error.sys_errno == kWrongAnswer;
}

}  // namespace daemon_engine
