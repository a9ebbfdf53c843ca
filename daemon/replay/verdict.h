// Whether what an engine said again is what was recorded.
#ifndef DAEMON_REPLAY_VERDICT_H_
#define DAEMON_REPLAY_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/seal/salt.h"
#include "daemon/replay/recorded_request.h"
#include "daemon/replay/recorded_texts.h"
#include "runtime/engine/request.h"
#include "runtime/token.h"

namespace daemon_replay {

// What the engine made of one choice.
struct ReplayedChoice {
  std::vector<runtime::TokenId> tokens;
  runtime::FinishReason finish = runtime::FinishReason::kNone;
};

struct Difference {
  std::uint32_t choice = 0;
  std::optional<std::uint32_t> at;  // the first token that differs; absent: only a digest is known
  std::string expected;             // a token, "the end" or a finish
  std::string got;
};

struct Verdict {
  enum class Kind : std::uint8_t {
    kIdentical,
    kDiffers,
    kSkipped,  // there is nothing to compare with; `why`
    kRefused,  // it is not the same question: model, kernels, parameters, texts; `why`
  };
  Kind kind = Kind::kIdentical;
  std::uint64_t tokens = 0;  // compared
  bool partial = false;      // its answer was cut short: what there is of it is identical
  Difference difference = {};
  std::string why = {};
};

std::string_view verdict_name(Verdict::Kind kind);

// What to compare with: tokens where they are known, else digests, for which the salt is wanted.
struct Expected {
  std::optional<ChoiceTokens> tokens;
  std::optional<daemon_audit::Salt> salt;
};

// `replayed` has as many choices as were recorded. A choice that did not come to its end is
// compared as far as it came, which takes tokens: a digest of a part says nothing here.
Verdict compare(const RecordedRequest& recorded, const Expected& expected,
                const std::vector<ReplayedChoice>& replayed);

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_VERDICT_H_
