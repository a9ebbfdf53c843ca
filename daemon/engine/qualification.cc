#include "daemon/engine/qualification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "daemon/engine/evaluation_check.h"
#include "daemon/engine/golden_check.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Result;

constexpr std::size_t kFailureBytesMax = 512;

// Two decimals, and more where two would make a failure look like a pass.
std::string scores(double score, double minimum) {
  const std::string brief = fmt::format("{:.2f}", score);
  if (brief != fmt::format("{:.2f}", minimum))
    return fmt::format("{}, minimum {:.2f}", brief, minimum);
  return fmt::format("{:.6f}, minimum {:.6f}", score, minimum);
}

double six_digits(double value) {
  return std::round(value * 1e6) / 1e6;
}

Json golden_json(const GoldenResult& golden) {
  return Json::object({{"mode", golden.exact ? "exact" : "tolerance"},
                       {"prompts", static_cast<std::uint64_t>(golden.prompts)},
                       {"agreement", six_digits(golden.agreement)},
                       {"logprob_difference", six_digits(golden.difference)},
                       {"first_difference", golden.first},
                       {"passed", golden.failure.empty()}});
}

Json evaluation_json(const EvaluationResult& result) {
  Json json = Json::object({{"name", result.name},
                            {"kind", evaluation_kind_name(result.kind)},
                            {"score", six_digits(result.score)},
                            {"minimum", result.minimum},
                            {"items", static_cast<std::uint64_t>(result.items)},
                            {"passed", result.passed()}});
  if (result.first_miss) json.set("first_miss", static_cast<std::uint64_t>(*result.first_miss + 1));
  return json;
}

}  // namespace

bool QualificationReport::passed() const {
  const bool golden_passed = !golden || golden->failure.empty();
  return golden_passed && std::ranges::all_of(evaluations, [](const EvaluationResult& result) {
           return result.passed();
         });
}

std::string QualificationReport::failure() const {
  std::string text = "qualification failed";
  std::string_view mark = ": ";
  const auto add = [&](std::string_view what) {
    if (text.size() + mark.size() + what.size() <= kFailureBytesMax) text.append(mark).append(what);
    mark = "; ";
  };
  if (golden && !golden->failure.empty()) add(golden->failure);
  for (const EvaluationResult& result : evaluations) {
    if (!result.passed())
      add(fmt::format("{} {}", result.name, scores(result.score, result.minimum)));
  }
  return text;
}

Json QualificationReport::serialize() const {
  Json sets = Json::array();
  for (const EvaluationResult& result : evaluations) sets.push_back(evaluation_json(result));
  Json json = Json::object({{"passed", passed()}});
  if (golden) json.set("golden", golden_json(*golden));
  json.set("evaluations", std::move(sets));
  return json;
}

Result<QualificationReport> qualify(const QualificationContext& context, const GoldenSet* golden,
                                    const std::vector<EvaluationSet>& evaluations) {
  std::uint64_t total = golden != nullptr ? golden->prompts.size() : 0;
  for (const EvaluationSet& set : evaluations) total += count_requests(set);
  std::uint64_t before = 0;
  QualificationContext part = context;
  part.progress = [&](std::uint64_t done, std::uint64_t) {
    context.progress(before + done, total);
  };

  QualificationReport report;
  if (golden != nullptr) {
    report.golden = TRY(check_golden(part, *golden));
    before += golden->prompts.size();
  }
  for (const EvaluationSet& set : evaluations) {
    report.evaluations.push_back(TRY(check_evaluation(part, set)));
    before += count_requests(set);
  }
  return report;
}

}  // namespace daemon_engine
