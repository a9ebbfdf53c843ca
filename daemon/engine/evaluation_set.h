// Evaluation sets: questions with a way to tell whether an answer holds, and how good a model must
// be at them. provisioning/BUNDLE.md section 5.
#ifndef DAEMON_ENGINE_EVALUATION_SET_H_
#define DAEMON_ENGINE_EVALUATION_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/engine/json_schema.h"
#include "daemon/engine/set_fields.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_engine {

inline constexpr std::size_t kEvaluationsMax = 32;  // sets of one release
inline constexpr std::size_t kEvaluationNameBytesMax = 64;
inline constexpr std::size_t kAnswerBytesMax = 64u << 10;
inline constexpr std::size_t kEvaluationChoicesMax = 26;
inline constexpr double kLikelihoodMin = -1e6;

enum class EvaluationKind : std::uint8_t { kExact, kRegex, kChoice, kJson, kLikelihood };
std::string_view evaluation_kind_name(EvaluationKind kind);

struct EvaluationItem {
  base::Json prompt;                 // a string, or a list of chat messages
  std::string answer;                // kExact, kLikelihood; the pattern of kRegex
  std::vector<std::string> choices;  // kChoice
  std::size_t right = 0;             // … which of them is the answer
  std::vector<JsonSchema> schema;    // kJson: one
};

struct EvaluationSet {
  std::string name;
  EvaluationKind kind = EvaluationKind::kExact;
  double minimum =
      0;  // of the share of items that hold; kLikelihood: of the mean log-probability per token
  std::uint32_t tokens_max = 64;  // of an answer
  std::vector<EvaluationItem> items;

  // Patterns and schemas are tried here, so that nothing about them is news when the model has
  // answered.
  static base::Result<EvaluationSet> parse(std::string_view text);
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_EVALUATION_SET_H_
