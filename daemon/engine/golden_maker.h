// Writes down what a model answers, for golden_check.h to ask again elsewhere.
#ifndef DAEMON_ENGINE_GOLDEN_MAKER_H_
#define DAEMON_ENGINE_GOLDEN_MAKER_H_

#include <cstdint>
#include <vector>

#include "daemon/engine/golden_set.h"
#include "daemon/engine/qualification.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_engine {

// `prompts` are texts or lists of chat messages; their ids are their numbers, from 1. Each is
// answered with at most `tokens_max` tokens, the model's end token included where it comes.
base::Result<GoldenSet> make_golden(const QualificationContext& context,
                                    const std::vector<base::Json>& prompts,
                                    std::uint32_t tokens_max);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_GOLDEN_MAKER_H_
