// Golden prompts: what a model answers, token by token, where it computes as it did where it was
// sealed. provisioning/BUNDLE.md section 5.
#ifndef DAEMON_ENGINE_GOLDEN_SET_H_
#define DAEMON_ENGINE_GOLDEN_SET_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/engine/set_fields.h"
#include "hardening/base/result.h"
#include "runtime/token.h"

namespace daemon_engine {

inline constexpr std::size_t kGoldenPromptTokensMax = 131'072;
inline constexpr std::size_t kGoldenIdBytesMax = 64;

struct GoldenSet {
  struct Prompt {
    std::string id;
    std::vector<runtime::TokenId> tokens;
    std::vector<runtime::TokenId> expected;  // the greedy continuation
    std::vector<float> logprobs;             // natural logarithms, one for each expected token
  };

  std::string kernels;           // the kernel set that made it
  double agreement_min = 0.9;    // on other kernel sets: the share of all expected tokens that are
                                 // the likeliest there too
  double difference_max = 0.05;  // …: the mean absolute difference of log-probabilities
  std::vector<Prompt> prompts;   // 1 to kSetItemsMax, ids distinct

  static base::Result<GoldenSet> parse(std::string_view text);
  // Compact; log-probabilities with six decimals.
  std::string serialize() const;
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_GOLDEN_SET_H_
