#include "daemon/engine/golden_set.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "daemon/ipc/messages.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Result;

constexpr std::string_view kType = "redoubt-golden";
constexpr double kLogprobMin = -1e6;
constexpr double kLogprobMax = 1e-3;  // a probability of one may be rounded up

Result<GoldenSet::Prompt> parse_prompt(const Json& json, std::size_t index) {
  SetFields fields = TRY(SetFields::open(json, fmt::format("prompts[{}].", index)));
  GoldenSet::Prompt prompt;
  prompt.id = TRY(fields.text("id", 1, kGoldenIdBytesMax));
  prompt.tokens = TRY(fields.tokens("tokens", 1, kGoldenPromptTokensMax));
  prompt.expected = TRY(fields.tokens("expected", 1, kAnswerTokensMax));
  for (const Json& value :
       *TRY(fields.list("logprobs", prompt.expected.size(), prompt.expected.size()))) {
    if (!value.is_number() ||
        !(value.as_double() >= kLogprobMin && value.as_double() <= kLogprobMax)) {
      return base::invalid_input(fmt::format("{}[{}] is not a log-probability",
                                             fields.path_of("logprobs"), prompt.logprobs.size()));
    }
    prompt.logprobs.push_back(static_cast<float>(value.as_double()));
  }
  TRY(fields.expect_no_more());
  return prompt;
}

Json tokens_json(const std::vector<runtime::TokenId>& tokens) {
  Json list = Json::array();
  for (const runtime::TokenId token : tokens) list.push_back(static_cast<std::int64_t>(token));
  return list;
}

Json prompt_json(const GoldenSet::Prompt& prompt) {
  Json logprobs = Json::array();
  for (const float value : prompt.logprobs)
    logprobs.push_back(std::round(static_cast<double>(value) * 1e6) / 1e6);
  return Json::object({{"id", prompt.id},
                       {"tokens", tokens_json(prompt.tokens)},
                       {"expected", tokens_json(prompt.expected)},
                       {"logprobs", std::move(logprobs)}});
}

}  // namespace

Result<GoldenSet> GoldenSet::parse(std::string_view text) {
  const Json json = TRY(parse_set(text));
  SetFields fields = TRY(SetFields::open(json, ""));
  TRY(fields.expect("type", kType));
  (void)TRY(fields.integer("format", 1, 1));
  GoldenSet set;
  set.kernels = TRY(fields.text("kernels", 1, daemon_ipc::kKernelsBytesMax));
  SetFields tolerance = TRY(SetFields::open(*TRY(fields.member("tolerance")), "tolerance."));
  set.agreement_min = TRY(tolerance.number("tokens", 0, 1));
  set.difference_max = TRY(tolerance.number("logprob", 0, 1e6));
  TRY(tolerance.expect_no_more());
  std::set<std::string, std::less<>> ids;
  for (const Json& item : *TRY(fields.list("prompts", 1, kSetItemsMax))) {
    set.prompts.push_back(TRY(parse_prompt(item, set.prompts.size())));
    if (!ids.insert(set.prompts.back().id).second) {
      return base::invalid_input(
          fmt::format("prompts[{}].id is that of an earlier one", set.prompts.size() - 1));
    }
  }
  TRY(fields.expect_no_more());
  return set;
}

std::string GoldenSet::serialize() const {
  Json list = Json::array();
  for (const Prompt& prompt : prompts) list.push_back(prompt_json(prompt));
  return Json::object(
             {{"type", kType},
              {"format", 1},
              {"kernels", kernels},
              {"tolerance", Json::object({{"tokens", agreement_min}, {"logprob", difference_max}})},
              {"prompts", std::move(list)}})
      .dump();
}

}  // namespace daemon_engine
