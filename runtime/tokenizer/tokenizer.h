// Text to tokens and back, exactly as the model was trained.
//
// Three kinds: SPM (llama, mistral), byte-level BPE (llama 3, qwen2, qwen3, gpt2, …) with the pre-tokenizer the
// file names, and WordPiece (bert). A Tokenizer is immutable after creation and may be used by many threads.
#ifndef RUNTIME_TOKENIZER_TOKENIZER_H_
#define RUNTIME_TOKENIZER_TOKENIZER_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/token.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

struct EncodeOptions {
  // Recognise control tokens ("<|im_end|>") written out in the text. Only ever true for text made by the model's
  // own chat template around the user's words, never for the user's words themselves.
  bool parse_special = false;
  // Add the beginning- and end-of-sequence tokens where the vocabulary asks for them.
  bool add_special = false;
};

// A piece of a longer text, and whether control tokens written out in it are meant. Borrows the text.
struct TextSpan {
  std::string_view text;
  bool parse_special = false;
};

class Tokenizer {
 public:
  // kUnsupported names an unknown kind or pre-tokenizer; kInvalidInput names the field that contradicts itself.
  static base::Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);
  virtual ~Tokenizer() = default;

  // Appends the tokens of `text`. Any bytes are accepted; what is not UTF-8 becomes byte tokens where the
  // vocabulary has them. Fails with kExhausted once more than `tokens_max` tokens were made in all (out is
  // then unspecified). Time is O(n log n) in the bytes of text, whatever they are.
  virtual base::Status encode(std::string_view text, const EncodeOptions& options, std::size_t tokens_max,
                              std::vector<TokenId>& out) const = 0;

  // The same for a text in several pieces, as a chat template gives it: words of the user are never taken for
  // control tokens, and text runs on from piece to piece as though it stood in one.
  virtual base::Status encode_spans(std::span<const TextSpan> spans, bool add_special, std::size_t tokens_max,
                                    std::vector<TokenId>& out) const = 0;

  // The bytes one token stands for when text is put together from tokens (possibly part of a UTF-8 character;
  // empty for control tokens unless `show_control`). SPM: the space of the sentence's first piece is kept, see
  // decode. Requires a valid id. The view lives as long as the tokenizer.
  virtual std::string_view piece(TokenId token, bool show_control = false) const = 0;

  // The text of a whole sequence: pieces put together, without the space that SPM adds in front.
  virtual std::string decode(const std::vector<TokenId>& tokens, bool show_control = false) const = 0;

  virtual const Vocabulary& vocabulary() const = 0;
  std::size_t vocabulary_size() const { return vocabulary().tokens.size(); }

  // Tokens after which generation ends: eos, eot, eom, and those the vocabulary's texts show to be such
  // ("<|im_end|>", "<|eot_id|>", …). Ascending.
  virtual const std::vector<TokenId>& end_tokens() const = 0;
  // Whether the vocabulary asks for a beginning-of-sequence token in front of every prompt.
  virtual bool adds_bos() const = 0;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_TOKENIZER_H_
