// How often each token stands in a prompt and in what was made from it: what the penalties ask.
#ifndef RUNTIME_ENGINE_TOKEN_HISTORY_H_
#define RUNTIME_ENGINE_TOKEN_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/token.h"

namespace runtime {

// One word per token of the vocabulary, taken at creation. Clearing costs as much as was added, not
// the whole vocabulary. Token ids are valid.
class TokenHistory {
 public:
  // `distinct_max` bounds how many different tokens are added between two resets.
  TokenHistory(std::size_t vocabulary, std::size_t distinct_max);

  void reset();
  void add_prompt(std::span<const TokenId> tokens);
  void add_output(TokenId token);

  // Each token seen, once, in the order of first appearance.
  std::span<const TokenId> distinct() const { return distinct_; }
  // How often it was added as output.
  std::uint32_t output_count(TokenId token) const {
    return words_[static_cast<std::size_t>(token)] & ~kSeen;
  }

 private:
  static constexpr std::uint32_t kSeen = 0x80000000;

  std::uint32_t& mark(TokenId token);

  std::vector<std::uint32_t> words_;  // by token: kSeen and the count
  std::vector<TokenId> distinct_;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_TOKEN_HISTORY_H_
