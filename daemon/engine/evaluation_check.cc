#include "daemon/engine/evaluation_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/engine/pattern.h"
#include "daemon/engine/question.h"
#include "daemon/engine/request_runner.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Result;
using base::Status;
using runtime::GenerationRequest;

std::pair<Json, bool> continued(const Json& prompt, const std::string& continuation) {
  if (prompt.is_string()) return {Json(prompt.as_string() + continuation), false};
  Json messages = prompt;
  messages.push_back(Json::object({{"role", "assistant"}, {"content", continuation}}));
  return {std::move(messages), true};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

double sum_of_logprobs(const Answer& answer) {
  double sum = 0;
  for (const Answer::Token& token : answer.prompt) sum += static_cast<double>(token.logprob);
  return sum;
}

// ---- scores

// The answers to one set, in whatever order they come.
class EvaluationCheck {
 public:
  EvaluationCheck(const QualificationContext& context, const EvaluationSet& set)
      : context_(context), set_(set) {
    for (std::size_t i = 0; i < set.items.size(); ++i) {
      const std::size_t choices = std::max<std::size_t>(1, set.items[i].choices.size());
      for (std::size_t c = 0; c < choices; ++c) {
        places_.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(c)});
      }
    }
    if (set.kind == EvaluationKind::kChoice) likelihoods_.resize(places_.size());
  }

  std::size_t requests() const { return places_.size(); }

  Result<GenerationRequest> make(std::size_t index) const {
    const Place place = places_[index];
    const EvaluationItem& item = set_.items[place.item];
    auto request = set_.kind == EvaluationKind::kChoice
                       ? continuation_request(context_, item, item.choices[place.choice])
                   : set_.kind == EvaluationKind::kLikelihood
                       ? continuation_request(context_, item, item.answer)
                       : ask(context_.tools, item.prompt, context_.time, set_.tokens_max);
    return std::move(request).context(fmt::format("item {}", place.item + 1));
  }

  Status take(std::size_t index, const Answer& answer) {
    const Place place = places_[index];
    if (set_.kind == EvaluationKind::kLikelihood) {
      likelihood_ += sum_of_logprobs(answer);
      tokens_ += answer.prompt.size();
    } else if (set_.kind == EvaluationKind::kChoice) {
      likelihoods_[index] = sum_of_logprobs(answer);
    } else {
      count(place.item, judge_answer(set_.kind, set_.items[place.item], answer.text));
    }
    return {};
  }

  EvaluationResult result() {
    if (set_.kind == EvaluationKind::kChoice) count_choices();
    EvaluationResult result;
    result.name = set_.name;
    result.kind = set_.kind;
    result.minimum = set_.minimum;
    result.items = set_.items.size();
    result.first_miss = first_miss_;
    result.why = why_;
    if (set_.kind == EvaluationKind::kLikelihood) {
      result.score = tokens_ > 0 ? likelihood_ / static_cast<double>(tokens_) : kLikelihoodMin;
    } else {
      result.score = static_cast<double>(held_) / static_cast<double>(set_.items.size());
    }
    return result;
  }

 private:
  struct Place {
    std::uint32_t item;
    std::uint32_t choice;
  };

  void count(std::size_t item, const Status& judged) {
    if (judged.ok()) {
      ++held_;
    } else if (!first_miss_ || item < *first_miss_) {
      first_miss_ = item;
      why_ = judged.error().message;
    }
  }

  // The likeliest continuation as a whole; the first among equals.
  void count_choices() {
    auto begin = likelihoods_.begin();
    for (std::size_t i = 0; i < set_.items.size(); ++i) {
      const EvaluationItem& item = set_.items[i];
      const auto end = begin + static_cast<std::ptrdiff_t>(item.choices.size());
      const auto likeliest = static_cast<std::size_t>(std::max_element(begin, end) - begin);
      count(i, likeliest == item.right ? Status()
                                       : base::denied(fmt::format("choice {} is likelier than {}",
                                                                  likeliest, item.right)));
      begin = end;
    }
  }

  const QualificationContext& context_;
  const EvaluationSet& set_;
  std::vector<Place> places_;        // of each request
  std::vector<double> likelihoods_;  // of each request, kChoice
  std::size_t held_ = 0;
  double likelihood_ = 0;
  std::size_t tokens_ = 0;
  std::optional<std::size_t> first_miss_;
  std::string why_;
};

}  // namespace

Status judge_answer(EvaluationKind kind, const EvaluationItem& item, std::string_view answer) {
  switch (kind) {
    case EvaluationKind::kExact:
      return trimmed(answer) == trimmed(item.answer) ? Status() : base::denied("another answer");
    case EvaluationKind::kRegex:
      return TRY(find_pattern(item.answer, answer)) ? Status()
                                                    : base::denied("the answer does not match");
    case EvaluationKind::kJson: {
      const Json json = TRY(Json::parse(answer).context("the answer is not JSON"));
      return item.schema.front().check(json);
    }
    case EvaluationKind::kChoice:
    case EvaluationKind::kLikelihood:
      break;
  }
  return base::unsupported("this kind has no answer to judge");
}

Result<GenerationRequest> continuation_request(const QualificationContext& context,
                                               const EvaluationItem& item,
                                               const std::string& continuation) {
  auto [prompt, left_open] = continued(item.prompt, continuation);
  GenerationRequest whole = TRY(ask(context.tools, std::move(prompt), context.time, 1, left_open));
  const GenerationRequest alone = TRY(ask(context.tools, item.prompt, context.time, 1));
  const auto parted = std::ranges::mismatch(whole.prompt, alone.prompt).in1;
  // The very first token follows nothing.
  const auto from = std::max<std::ptrdiff_t>(1, parted - whole.prompt.begin());
  if (static_cast<std::size_t>(from) >= whole.prompt.size()) {
    return base::invalid_input("the continuation adds no token to the prompt");
  }
  whole.ignore_end_tokens = true;
  whole.echo_logprobs = true;
  whole.echo_from = static_cast<std::uint32_t>(from);
  return whole;
}

std::size_t count_requests(const EvaluationSet& set) {
  std::size_t count = 0;
  for (const EvaluationItem& item : set.items)
    count += std::max<std::size_t>(1, item.choices.size());
  return count;
}

Result<EvaluationResult> check_evaluation(const QualificationContext& context,
                                          const EvaluationSet& set) {
  EvaluationCheck check(context, set);
  std::size_t done = 0;
  const auto make = [&check](std::size_t index) { return check.make(index); };
  const auto take = [&](std::size_t index, const Answer& answer) -> Status {
    TRY(check.take(index, answer));
    context.progress(++done, check.requests());
    return {};
  };
  TRY(run_requests(context.engine, context.window, {check.requests(), make, take})
          .context("evaluation set " + set.name));
  return check.result();
}

}  // namespace daemon_engine
