#include "daemon/engine/golden_maker.h"

#include <fmt/format.h>

#include <string>

#include "daemon/engine/question.h"
#include "daemon/engine/request_runner.h"

namespace daemon_engine {

base::Result<GoldenSet> make_golden(const QualificationContext& context,
                                    const std::vector<base::Json>& prompts,
                                    std::uint32_t tokens_max) {
  GoldenSet set;
  set.kernels = context.kernels;
  set.prompts.resize(prompts.size());
  std::size_t done = 0;
  const auto make = [&](std::size_t index) -> base::Result<runtime::GenerationRequest> {
    const std::string id = std::to_string(index + 1);
    auto request =
        TRY(ask(context.tools, prompts[index], context.time, tokens_max).context("prompt " + id));
    request.logprobs = true;
    set.prompts[index].id = id;
    set.prompts[index].tokens = request.prompt;
    return request;
  };
  const auto take = [&](std::size_t index, const Answer& answer) -> base::Status {
    GoldenSet::Prompt& prompt = set.prompts[index];
    for (const Answer::Token& token : answer.generated) {
      prompt.expected.push_back(token.token);
      prompt.logprobs.push_back(token.logprob);
    }
    context.progress(++done, prompts.size());
    return {};
  };
  TRY(run_requests(context.engine, context.window, {prompts.size(), make, take}));
  return set;
}

}  // namespace daemon_engine
