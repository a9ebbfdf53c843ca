// What must hold between loading and serving: the known-answer test at every start, and the whole
// qualification where the configuration asks for it.
#ifndef DAEMON_ENGINE_START_CHECKS_H_
#define DAEMON_ENGINE_START_CHECKS_H_

#include <memory>
#include <optional>
#include <string>

#include "daemon/engine/loaded_model.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/engine/engine.h"

namespace daemon_engine {

// As it stands in the report of `ready`.
struct StartChecks {
  // {"result":"matched"|"recorded","kernels":…,"us":…}
  base::Json known_answer;
  // The supervisor keeps this text for the next start (EngineConfig::known_answers); absent when
  // there is nothing new.
  std::optional<std::string> known_answers;
  std::optional<base::Json>
      qualification;  // QualificationReport; absent without EngineConfig::qualify
  std::string note;   // for the log; empty when nothing is to be said
};

// Engines of their own, so that the one that serves begins without a past. To be made before
// lock_down(): each draws a key from the system.
struct CheckEngines {
  std::unique_ptr<runtime::Engine> answering;
  std::unique_ptr<runtime::Engine> qualifying;  // null without EngineConfig::qualify
};
base::Result<CheckEngines> make_check_engines(const LoadedModel& model, const EngineConfig& config);

// Once. kDevice: try another process. Every other error is a verdict: this model, on this machine,
// is not to serve.
//
// A wrong answer on GPUs is theirs before it is the model's: where this very model, on this kernel
// set, has answered before and answers otherwise now, what changed is the device. That is kDevice
// (is_wrong_answer), and the supervisor takes a GPU that goes on so out of use; the next GPU, or
// the CPU, then computes. On the CPU there is no other device to try, and a wrong answer is a
// verdict.
//
// It is a verdict on GPUs, too, where no answer is known yet and the model gives none (its logits
// are no numbers), and where it does not qualify: golden and evaluation sets are of a model on
// trial, within tolerances that are made for other kernels, and a model that is broken must not
// cost every GPU of the machine. A GPU that is ill fails the known answer of the model that has
// proven itself.
base::Result<StartChecks> run_start_checks(const LoadedModel& model, const EngineConfig& config,
                                           const CheckEngines& engines, const base::Clock& clock,
                                           const LoadReporter& progress);

// Whether a kDevice error of run_start_checks is that GPUs computed, and computed wrongly.
bool is_wrong_answer(const base::Error& error);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_START_CHECKS_H_
