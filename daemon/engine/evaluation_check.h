// An evaluation set, asked of the model.
#ifndef DAEMON_ENGINE_EVALUATION_CHECK_H_
#define DAEMON_ENGINE_EVALUATION_CHECK_H_

#include "daemon/engine/qualification.h"

namespace daemon_engine {

// How many requests the set takes: one for each item, or for each choice of one.
std::size_t count_requests(const EvaluationSet& set);

base::Result<EvaluationResult> check_evaluation(const QualificationContext& context,
                                                const EvaluationSet& set);

// Whether an answer holds; else what is wrong with it. For the kinds that have an answer to look
// at: exact, regex, json.
base::Status judge_answer(EvaluationKind kind, const EvaluationItem& item, std::string_view answer);

// The request that measures `continuation` behind the item's prompt: the tokens the two have
// together, given back with their log-probabilities from where they part from those of the prompt
// alone. As text both are read in one piece; a chat is continued by an assistant's message that is
// left open.
base::Result<runtime::GenerationRequest> continuation_request(const QualificationContext& context,
                                                              const EvaluationItem& item,
                                                              const std::string& continuation);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_EVALUATION_CHECK_H_
