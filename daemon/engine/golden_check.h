// Golden prompts against what the model answers here.
#ifndef DAEMON_ENGINE_GOLDEN_CHECK_H_
#define DAEMON_ENGINE_GOLDEN_CHECK_H_

#include "daemon/engine/qualification.h"

namespace daemon_engine {

// One request for each prompt. On the set's own kernel set its tokens are generated and must come
// out; elsewhere they are fed in, and what the model would have said in their place is compared
// within the set's tolerance.
base::Result<GoldenResult> check_golden(const QualificationContext& context, const GoldenSet& set);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_GOLDEN_CHECK_H_
