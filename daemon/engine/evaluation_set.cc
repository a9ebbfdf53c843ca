#include "daemon/engine/evaluation_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/engine/limits.h"
#include "daemon/engine/pattern.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr std::string_view kType = "redoubt-evaluation";
constexpr std::array<std::string_view, 5> kKindNames = {"exact", "regex", "choice", "json",
                                                        "likelihood"};

// A text as it is, or chat messages, whose members the chat template judges.
Result<Json> read_prompt(SetFields& fields) {
  const Json* prompt = TRY(fields.member("prompt"));
  if (prompt->is_string()) return Json(TRY(fields.text("prompt", 1, kPromptBytesMax)));
  const Json::Array& messages = *TRY(fields.list("prompt", 1, kMessagesMax));
  const bool objects =
      std::ranges::all_of(messages, [](const Json& message) { return message.is_object(); });
  if (!objects)
    return base::invalid_input(fields.path_of("prompt") + " has a message that is not an object");
  if (prompt->dump().size() > kPromptBytesMax) {
    return base::invalid_input(
        fmt::format("{} has more than {} bytes", fields.path_of("prompt"), kPromptBytesMax));
  }
  return *prompt;
}

Status read_choices(SetFields& fields, EvaluationItem& item) {
  for (const Json& choice : *TRY(fields.list("choices", 2, kEvaluationChoicesMax))) {
    if (!choice.is_string() || choice.as_string().empty() ||
        choice.as_string().size() > kAnswerBytesMax) {
      return base::invalid_input(fmt::format("{}[{}] is not a text of 1 to {} bytes",
                                             fields.path_of("choices"), item.choices.size(),
                                             kAnswerBytesMax));
    }
    item.choices.push_back(choice.as_string());
  }
  const auto last = static_cast<std::int64_t>(item.choices.size()) - 1;
  item.right = static_cast<std::size_t>(TRY(fields.integer("answer", 0, last)));
  return {};
}

Result<EvaluationItem> parse_item(const Json& json, EvaluationKind kind, std::size_t index) {
  SetFields fields = TRY(SetFields::open(json, fmt::format("items[{}].", index)));
  EvaluationItem item;
  item.prompt = TRY(read_prompt(fields));
  switch (kind) {
    case EvaluationKind::kExact:
    case EvaluationKind::kLikelihood:
      item.answer = TRY(fields.text("answer", 1, kAnswerBytesMax));
      break;
    case EvaluationKind::kRegex:
      item.answer = TRY(fields.text("pattern", 1, kPatternBytesMax));
      TRY(check_pattern(item.answer).context(fields.path_of("pattern")));
      break;
    case EvaluationKind::kChoice:
      TRY(read_choices(fields, item));
      break;
    case EvaluationKind::kJson:
      item.schema.push_back(
          TRY(JsonSchema::parse(*TRY(fields.member("schema"))).context(fields.path_of("schema"))));
      break;
  }
  TRY(fields.expect_no_more());
  return item;
}

Result<EvaluationKind> read_kind(SetFields& fields) {
  const std::string name = TRY(fields.text("kind", 1, 32));
  const auto* known = std::ranges::find(kKindNames, name);
  if (known == kKindNames.end())
    return base::unsupported("kind is none of exact, regex, choice, json, likelihood");
  return static_cast<EvaluationKind>(known - kKindNames.begin());
}

bool is_name(std::string_view name) {
  return std::ranges::all_of(name,
                             [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\'; });
}

}  // namespace

std::string_view evaluation_kind_name(EvaluationKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

Result<EvaluationSet> EvaluationSet::parse(std::string_view text) {
  const Json json = TRY(parse_set(text));
  SetFields fields = TRY(SetFields::open(json, ""));
  TRY(fields.expect("type", kType));
  (void)TRY(fields.integer("format", 1, 1));
  EvaluationSet set;
  set.name = TRY(fields.text("name", 1, kEvaluationNameBytesMax));
  if (!is_name(set.name))
    return base::invalid_input("name has a character that is not printable ASCII");
  set.kind = TRY(read_kind(fields));
  const bool share = set.kind != EvaluationKind::kLikelihood;
  set.minimum = TRY(fields.number("minimum", share ? 0 : kLikelihoodMin, share ? 1 : 0));
  set.tokens_max =
      static_cast<std::uint32_t>(TRY(fields.integer("tokens_max", 1, kAnswerTokensMax)));
  for (const Json& item : *TRY(fields.list("items", 1, kSetItemsMax))) {
    set.items.push_back(TRY(parse_item(item, set.kind, set.items.size())));
  }
  TRY(fields.expect_no_more());
  return set;
}

}  // namespace daemon_engine
