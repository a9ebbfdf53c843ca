// Finds tokens written out in a text before anything else looks at it.
#ifndef RUNTIME_TOKENIZER_SPECIAL_TOKENS_H_
#define RUNTIME_TOKENIZER_SPECIAL_TOKENS_H_

#include <string_view>
#include <vector>

#include "runtime/token.h"
#include "runtime/tokenizer/byte_trie.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

class SpecialTokens {
 public:
  struct Fragment {
    TokenId token = kNoToken;  // kNoToken: text
    std::string_view text;     // not empty; a view into the text that was given
  };

  // `types` as token_types() gives them.
  SpecialTokens(const Vocabulary& vocabulary, const std::vector<TokenType>& types);

  // The text in pieces: at each place the longest token, leftmost first. User-defined tokens are
  // always recognised, control and unknown tokens with `parse_special` alone. Time is that of a
  // search of at most kSpecialTokenBytesMax at every byte.
  std::vector<Fragment> partition(std::string_view text, bool parse_special) const;

  // Whether some token swallows the white space beside it, so that encoding loses it.
  bool strips() const { return strips_; }

 private:
  enum Strip : unsigned char { kStripNothing = 0, kStripLeft = 1, kStripRight = 2 };

  void choose_strips(const Vocabulary& vocabulary, const std::vector<TokenType>& types);

  std::vector<unsigned char> strip_;  // by token id
  bool strips_ = false;
  bool has_user_defined_ = false;
  ByteTrie user_defined_;
  ByteTrie all_;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_SPECIAL_TOKENS_H_
