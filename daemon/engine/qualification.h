// Whether a model is as good here as its makers say: golden prompts and evaluation sets, run before
// the role serves. provisioning/BUNDLE.md section 5.
#ifndef DAEMON_ENGINE_QUALIFICATION_H_
#define DAEMON_ENGINE_QUALIFICATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/engine/evaluation_set.h"
#include "daemon/engine/golden_set.h"
#include "daemon/engine/prompt.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/engine/engine.h"

namespace daemon_engine {

struct QualificationContext {
  runtime::Engine& engine;  // nobody else's; takes `window` requests at a time
  std::size_t window;
  PromptTools tools;
  std::string_view kernels;  // the kernel set at hand
  bool exact;  // it computes as it does where golden sets are made, but for the kernels: KV cache
               // in f16
  std::int64_t time;  // unix seconds, for chat templates: the release's, so that answers do not
                      // change from day to day
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // in requests
};

struct GoldenResult {
  bool exact = false;  // compared token by token; else within the set's tolerance
  std::size_t prompts = 0;
  double agreement = 0;   // the share of expected tokens that came out (exact: up to each prompt's
                          // first difference)
  double difference = 0;  // mean, of the log-probabilities of those compared
  std::string first;      // the first difference; empty: none
  std::string failure;    // empty: passed
};

struct EvaluationResult {
  std::string name;
  EvaluationKind kind = EvaluationKind::kExact;
  double score = 0;
  double minimum = 0;
  std::size_t items = 0;
  std::optional<std::size_t> first_miss;  // the first item that does not hold
  std::string why;                        // … and what is wrong with it
  bool passed() const { return score >= minimum; }
};

struct QualificationReport {
  std::optional<GoldenResult> golden;
  std::vector<EvaluationResult> evaluations;

  bool passed() const;
  // For people, at most 512 bytes: "qualification failed: facts 0.41, minimum 0.80".
  std::string failure() const;
  // For `ready`: at most 8 KiB.
  base::Json serialize() const;
};

// Runs all there is. A model that falls short is a report that has not passed; an error is kDevice,
// or says which item of which set cannot be asked (its prompt is longer than the context, its chat
// has no template).
base::Result<QualificationReport> qualify(const QualificationContext& context,
                                          const GoldenSet* golden,
                                          const std::vector<EvaluationSet>& evaluations);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_QUALIFICATION_H_
