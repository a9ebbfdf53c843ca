// A tokenizer of 48 tokens: letters, words with a space in front, halves of characters, controls.
#ifndef TESTS_RUNTIME_ENGINE_SMALL_TOKENIZER_H_
#define TESTS_RUNTIME_ENGINE_SMALL_TOKENIZER_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

class SmallTokenizer final : public Tokenizer {
 public:
  static constexpr TokenId kBos = 0;
  static constexpr TokenId kEos = 1;
  static constexpr TokenId kTurn = 2;      // a control token that ends nothing
  static constexpr TokenId kEuroHead = 3;  // E2 82
  static constexpr TokenId kEuroTail = 4;  // AC
  static constexpr TokenId kBadByte = 5;   // FF
  static constexpr TokenId kLetterA = 6;   // "a" … "z"
  static constexpr TokenId kWordA = 32;    // " a", " b", …

  SmallTokenizer() {
    vocabulary_.model = "test";
    vocabulary_.bos = kBos;
    vocabulary_.eos = kEos;
    texts_ = {"<s>", "</s>", "<|turn|>", "\xE2\x82", "\xAC", "\xFF"};
    for (char c = 'a'; c <= 'z'; ++c) texts_.emplace_back(1, c);
    for (char c = 'a'; texts_.size() < 48; ++c) texts_.push_back(std::string(" ") + c);
    vocabulary_.tokens = texts_;
  }

  // Letters, words, and control tokens where asked for; anything else is kBadByte.
  base::Status encode(std::string_view text, const EncodeOptions& options, std::size_t tokens_max,
                      std::vector<TokenId>& out) const override {
    if (options.add_special) out.push_back(kBos);
    while (!text.empty()) {
      const TokenId token = longest(text, options.parse_special);
      out.push_back(token == kNoToken ? kBadByte : token);
      text.remove_prefix(token == kNoToken ? 1 : texts_[static_cast<std::size_t>(token)].size());
      if (out.size() > tokens_max) return base::exhausted("too many tokens");
    }
    return {};
  }

  base::Status encode_spans(std::span<const TextSpan> spans, bool add_special,
                            std::size_t tokens_max, std::vector<TokenId>& out) const override {
    if (add_special) out.push_back(kBos);
    for (const TextSpan& span : spans) {
      TRY(encode(span.text, {.parse_special = span.parse_special}, tokens_max, out));
    }
    return {};
  }

  std::string_view piece(TokenId token, bool show_control = false) const override {
    if (token <= kTurn && !show_control) return {};
    return texts_[static_cast<std::size_t>(token)];
  }

  // As SPM does: without the first space.
  std::string decode(const std::vector<TokenId>& tokens, bool show_control = false) const override {
    std::string text;
    for (const TokenId token : tokens) text += piece(token, show_control);
    if (text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  const std::vector<TokenId>& end_tokens() const override { return end_tokens_; }
  bool adds_bos() const override { return true; }

 private:
  TokenId longest(std::string_view text, bool special) const {
    TokenId best = kNoToken;
    for (TokenId t = special ? 0 : kTurn + 1; static_cast<std::size_t>(t) < texts_.size(); ++t) {
      const std::string& candidate = texts_[static_cast<std::size_t>(t)];
      if (!text.starts_with(candidate)) continue;
      if (best == kNoToken || candidate.size() > texts_[static_cast<std::size_t>(best)].size())
        best = t;
    }
    return best;
  }

  std::vector<std::string> texts_;
  Vocabulary vocabulary_;
  std::vector<TokenId> end_tokens_ = {kEos};
};

}  // namespace runtime

#endif  // TESTS_RUNTIME_ENGINE_SMALL_TOKENIZER_H_
