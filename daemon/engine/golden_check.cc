#include "daemon/engine/golden_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "daemon/engine/request_runner.h"

namespace daemon_engine {
namespace {

using base::Result;
using base::Status;
using runtime::GenerationRequest;

GenerationRequest greedy(const GoldenSet::Prompt& prompt) {
  GenerationRequest request;
  request.prompt = prompt.tokens;
  request.tokens_max = static_cast<std::uint32_t>(prompt.expected.size());
  request.ignore_end_tokens =
      true;  // an end token may be among those expected, but only as the last one
  request.logprobs = true;
  request.sampling.temperature = 0;
  return request;
}

// The expected tokens as part of the prompt. The one token that is generated after them is of no
// interest.
GenerationRequest forced(const GoldenSet::Prompt& prompt) {
  GenerationRequest request;
  request.prompt = prompt.tokens;
  request.prompt.insert(request.prompt.end(), prompt.expected.begin(), prompt.expected.end());
  request.tokens_max = 1;
  request.ignore_end_tokens = true;
  request.echo_logprobs = true;
  request.echo_from = static_cast<std::uint32_t>(prompt.tokens.size());
  request.top_logprobs = 1;
  request.sampling.temperature = 0;
  return request;
}

class GoldenCheck {
 public:
  GoldenCheck(const GoldenSet& set, bool exact)
      : set_(set), exact_(exact), first_prompt_(set.prompts.size()) {}

  Status take(std::size_t index, const Answer& answer) {
    const GoldenSet::Prompt& prompt = set_.prompts[index];
    expected_ += prompt.expected.size();
    const auto& tokens = exact_ ? answer.generated : answer.prompt;
    for (std::size_t i = 0; i < std::min(tokens.size(), prompt.expected.size()); ++i) {
      const runtime::TokenId said = exact_ ? tokens[i].token : tokens[i].likeliest;
      if (said != prompt.expected[i]) {
        note(index, i, said);
        if (exact_) return {};  // what follows follows from another token
        ++compared_;
        difference_ += distance(tokens[i].logprob, prompt.logprobs[i]);
        continue;
      }
      ++agreed_;
      ++compared_;
      difference_ += distance(tokens[i].logprob, prompt.logprobs[i]);
    }
    return {};
  }

  GoldenResult result() const {
    GoldenResult result;
    result.exact = exact_;
    result.prompts = set_.prompts.size();
    result.agreement =
        expected_ > 0 ? static_cast<double>(agreed_) / static_cast<double>(expected_) : 0;
    result.difference = compared_ > 0 ? difference_ / static_cast<double>(compared_) : 0;
    result.first = first_;
    if (exact_) {
      if (agreed_ != expected_) result.failure = "golden " + first_;
    } else if (result.agreement < set_.agreement_min) {
      result.failure = fmt::format("golden set: {:.4f} of the tokens agree, minimum {:.4f}",
                                   result.agreement, set_.agreement_min);
    } else if (!(result.difference <= set_.difference_max)) {
      result.failure = fmt::format("golden set: log-probabilities differ by {:.4f}, limit {:.4f}",
                                   result.difference, set_.difference_max);
    }
    return result;
  }

 private:
  static double distance(float a, float b) {
    return std::abs(static_cast<double>(a) - static_cast<double>(b));
  }

  // Answers come in any order: the first is that of the first prompt.
  void note(std::size_t index, std::size_t position, runtime::TokenId said) {
    if (index >= first_prompt_) return;
    first_prompt_ = index;
    first_ = fmt::format("prompt {}: token {} is {}, expected {}",
                         base::Json(set_.prompts[index].id).dump(), position + 1, said,
                         set_.prompts[index].expected[position]);
  }

  const GoldenSet& set_;
  bool exact_;
  std::size_t expected_ = 0;
  std::size_t agreed_ = 0;
  std::size_t compared_ = 0;
  double difference_ = 0;
  std::size_t first_prompt_;
  std::string first_;
};

}  // namespace

Result<GoldenResult> check_golden(const QualificationContext& context, const GoldenSet& set) {
  const bool exact = context.exact && set.kernels == context.kernels;
  GoldenCheck check(set, exact);
  std::size_t done = 0;
  const auto make = [&](std::size_t index) -> Result<GenerationRequest> {
    const GoldenSet::Prompt& prompt = set.prompts[index];
    const auto fits =
        prompt.tokens.size() + prompt.expected.size() < context.tools.context_tokens_max;
    if (!fits) {
      return base::exhausted(
          fmt::format("prompt {}: {} tokens and {} expected ones do not fit the context of {}",
                      base::Json(prompt.id).dump(), prompt.tokens.size(), prompt.expected.size(),
                      context.tools.context_tokens_max));
    }
    return exact ? greedy(prompt) : forced(prompt);
  };
  const auto take = [&](std::size_t index, const Answer& answer) -> Status {
    TRY(check.take(index, answer));
    context.progress(++done, set.prompts.size());
    return {};
  };
  TRY(run_requests(context.engine, context.window, {set.prompts.size(), make, take})
          .context("golden set"));
  return check.result();
}

}  // namespace daemon_engine
