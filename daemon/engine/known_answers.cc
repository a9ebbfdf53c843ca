#include "daemon/engine/known_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/engine/request_runner.h"
#include "daemon/engine/set_fields.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Result;
using base::Status;
using runtime::TokenId;

constexpr std::string_view kType = "redoubt-known-answers";
constexpr std::size_t kKvBytesMax = 16;
constexpr std::size_t kFileBytesMax = 4'096;

Json tokens_json(const std::vector<TokenId>& tokens) {
  Json list = Json::array();
  for (const TokenId token : tokens) list.push_back(static_cast<std::int64_t>(token));
  return list;
}

Json answer_json(const KnownAnswer& answer) {
  Json logprobs = Json::array();
  for (const float value : answer.logprobs) logprobs.push_back(static_cast<double>(value));
  return Json::object({{"kernels", answer.kernels},
                       {"kv", answer.kv},
                       {"file", answer.file},
                       {"prompt", tokens_json(answer.prompt)},
                       {"tokens", tokens_json(answer.tokens)},
                       {"logprobs", std::move(logprobs)}});
}

Result<KnownAnswer> parse_answer(const Json& json, std::size_t index) {
  SetFields fields = TRY(SetFields::open(json, fmt::format("answers[{}].", index)));
  KnownAnswer answer;
  answer.kernels = TRY(fields.text("kernels", 1, daemon_ipc::kKernelsBytesMax));
  answer.kv = TRY(fields.text("kv", 1, kKvBytesMax));
  answer.file = TRY(fields.text("file", 1, kFileBytesMax));
  answer.prompt = TRY(fields.tokens("prompt", 1, kKnownPromptTokensMax));
  answer.tokens = TRY(fields.tokens("tokens", 1, kKnownTokens));
  for (const Json& value :
       *TRY(fields.list("logprobs", answer.tokens.size(), answer.tokens.size()))) {
    if (!value.is_number())
      return base::invalid_input(fields.path_of("logprobs") + " has an item that is not a number");
    answer.logprobs.push_back(static_cast<float>(value.as_double()));
  }
  TRY(fields.expect_no_more());
  return answer;
}

}  // namespace

Result<KnownAnswers> KnownAnswers::parse(std::string_view text) {
  KnownAnswers known;
  if (text.empty()) return known;
  const Json json = TRY(Json::parse(text, {.bytes_max = kKnownAnswersBytesMax, .depth_max = 8}));
  SetFields fields = TRY(SetFields::open(json, ""));
  TRY(fields.expect("type", kType));
  (void)TRY(fields.integer("format", 1, 1));
  for (const Json& item : *TRY(fields.list("answers", 0, kKnownAnswersMax))) {
    known.answers_.push_back(TRY(parse_answer(item, known.answers_.size())));
  }
  TRY(fields.expect_no_more());
  return known;
}

std::string KnownAnswers::serialize() const {
  Json answers = Json::array();
  for (const KnownAnswer& answer : answers_) answers.push_back(answer_json(answer));
  return Json::object({{"type", kType}, {"format", 1}, {"answers", std::move(answers)}}).dump();
}

const KnownAnswer* KnownAnswers::find(std::string_view kernels, std::string_view kv,
                                      std::string_view file) const {
  const auto found = std::ranges::find_if(answers_, [&](const KnownAnswer& answer) {
    return answer.kernels == kernels && answer.kv == kv && answer.file == file;
  });
  return found == answers_.end() ? nullptr : &*found;
}

void KnownAnswers::add(KnownAnswer answer) {
  if (answers_.size() == kKnownAnswersMax) answers_.erase(answers_.begin());
  answers_.push_back(std::move(answer));
}

std::vector<TokenId> fixed_prompt(const runtime::Tokenizer& tokenizer) {
  constexpr std::uint64_t kTokens = 8;
  constexpr std::uint64_t kStride = 2'654'435'761;  // a prime near 2^32 / the golden ratio
  std::vector<TokenId> prompt;
  if (tokenizer.adds_bos() && tokenizer.vocabulary().bos != runtime::kNoToken)
    prompt.push_back(tokenizer.vocabulary().bos);
  while (prompt.size() < kTokens) {
    prompt.push_back(static_cast<TokenId>(prompt.size() * kStride % tokenizer.vocabulary_size()));
  }
  return prompt;
}

Result<std::unique_ptr<runtime::Engine>> make_answering_engine(
    runtime::Decoder& decoder, const runtime::Tokenizer& tokenizer) {
  const std::size_t rows = std::min(decoder.shape().rows_max, kKnownPromptTokensMax);
  return runtime::Engine::create(
      {.sequences_max = 1, .queue_max = 1, .step_tokens_max = rows, .prefix_cache = false}, decoder,
      tokenizer);
}

Status answer_prompt(runtime::Engine& engine, std::size_t context_tokens, KnownAnswer& answer,
                     AnswerWith with) {
  const auto make = [&](std::size_t) -> Result<runtime::GenerationRequest> {
    runtime::GenerationRequest request;
    request.prompt = answer.prompt;
    request.tokens_max = static_cast<std::uint32_t>(
        context_tokens > answer.prompt.size()
            ? std::min(context_tokens - answer.prompt.size(), kKnownTokens)
            : 0);
    request.ignore_end_tokens = true;
    request.logprobs = with == AnswerWith::kLogprobs;
    request.sampling.temperature = 0;
    return request;
  };
  const auto take = [&answer, with](std::size_t, const Answer& given) -> Status {
    for (const Answer::Token& token : given.generated) {
      answer.tokens.push_back(token.token);
      if (with == AnswerWith::kLogprobs) answer.logprobs.push_back(token.logprob);
    }
    return {};
  };
  return run_requests(engine, 1, {1, make, take});
}

Status compare_answers(const KnownAnswer& known, const KnownAnswer& now) {
  if (now.tokens.size() != known.tokens.size()) {
    return base::denied(fmt::format("known-answer test failed: {} tokens, were {}",
                                    now.tokens.size(), known.tokens.size()));
  }
  for (std::size_t i = 0; i < known.tokens.size(); ++i) {
    if (now.tokens[i] != known.tokens[i]) {
      return base::denied(fmt::format("known-answer test failed: token {} is {}, was {}", i + 1,
                                      now.tokens[i], known.tokens[i]));
    }
    if (!(std::abs(now.logprobs[i] - known.logprobs[i]) <= kKnownLogprobDifferenceMax)) {
      return base::denied(fmt::format(
          "known-answer test failed: the log-probability of token {} is {:.5f}, was {:.5f}", i + 1,
          now.logprobs[i], known.logprobs[i]));
    }
  }
  return {};
}

}  // namespace daemon_engine
