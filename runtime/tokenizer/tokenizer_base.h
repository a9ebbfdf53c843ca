// What all kinds of tokenizers share: special tokens, beginning and end, and putting pieces
// together.
#ifndef RUNTIME_TOKENIZER_TOKENIZER_BASE_H_
#define RUNTIME_TOKENIZER_TOKENIZER_BASE_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/piece_table.h"
#include "runtime/tokenizer/special_tokens.h"
#include "runtime/tokenizer/token_sink.h"
#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

class TokenizerBase : public Tokenizer {
 public:
  base::Status encode(std::string_view text, const EncodeOptions& options, std::size_t tokens_max,
                      std::vector<TokenId>& out) const final;
  base::Status encode_spans(std::span<const TextSpan> spans, bool add_special,
                            std::size_t tokens_max, std::vector<TokenId>& out) const final;
  std::string_view piece(TokenId token, bool show_control) const final;
  std::string decode(const std::vector<TokenId>& tokens, bool show_control) const final;
  const Vocabulary& vocabulary() const final { return vocabulary_; }
  const std::vector<TokenId>& end_tokens() const final { return end_tokens_; }
  bool adds_bos() const final { return begins_with_ != kNoToken; }

 protected:
  struct Traits {
    TokenId begins_with =
        kNoToken;  // put in front of and behind a text where options.add_special asks for it
    TokenId ends_with = kNoToken;
    bool adds_space_prefix = false;  // in front of a text and of whatever follows a special token
    bool keeps_every_byte =
        false;  // what goes in comes out: no text has fewer tokens than its pieces need
  };

  // `vocabulary` has passed check_vocabulary(). A kind sets its traits and adds its pieces in its
  // constructor.
  explicit TokenizerBase(Vocabulary vocabulary);
  void set_traits(const Traits& traits);

  // Encodes a text without special tokens, not empty. `adds_space`: as though a space stood before
  // it.
  virtual base::Status encode_text(std::string_view text, bool adds_space,
                                   TokenSink& sink) const = 0;

  // The token whose text is `text`, or kNoToken; slow, for construction.
  TokenId find_token(std::string_view text) const;
  const std::vector<TokenType>& types() const { return types_; }
  TokenType type(TokenId token) const { return types_[static_cast<std::size_t>(token)]; }

  PieceTable pieces_;

 private:
  Vocabulary vocabulary_;
  std::vector<TokenType> types_;
  SpecialTokens special_tokens_;
  std::vector<TokenId> end_tokens_;
  TokenId begins_with_ = kNoToken;
  TokenId ends_with_ = kNoToken;
  bool adds_space_prefix_ = false;
  bool keeps_every_byte_ = false;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_TOKENIZER_BASE_H_
