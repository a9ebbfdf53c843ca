#include "runtime/tokenizer/tokenizer_base.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hardening/base/check.h"
#include "runtime/tokenizer/limits.h"
#include "runtime/tokenizer/token_roles.h"

namespace runtime {

TokenizerBase::TokenizerBase(Vocabulary vocabulary)
    : vocabulary_(std::move(vocabulary)),
      types_(token_types(vocabulary_)),
      special_tokens_(vocabulary_, types_),
      end_tokens_(runtime::end_tokens(vocabulary_, types_)) {}

void TokenizerBase::set_traits(const Traits& traits) {
  begins_with_ = traits.begins_with;
  ends_with_ = traits.ends_with;
  adds_space_prefix_ = traits.adds_space_prefix;
  keeps_every_byte_ = traits.keeps_every_byte && !special_tokens_.strips();
}

base::Status TokenizerBase::encode(std::string_view text, const EncodeOptions& options,
                                   std::size_t tokens_max, std::vector<TokenId>& out) const {
  const TextSpan span{text, options.parse_special};
  return encode_spans({&span, 1}, options.add_special, tokens_max, out);
}

base::Status TokenizerBase::encode_spans(std::span<const TextSpan> spans, bool add_special,
                                         std::size_t tokens_max, std::vector<TokenId>& out) const {
  std::size_t bytes = 0;
  for (const TextSpan& span : spans) bytes += span.text.size();
  if (bytes > kTextBytesMax) {
    return base::exhausted(
        fmt::format("the text has {} bytes, at most {} are encoded", bytes, kTextBytesMax));
  }
  TokenSink sink(out, tokens_max);
  // Refuses what cannot fit before working on it.
  if (keeps_every_byte_ && bytes / std::max<std::size_t>(1, pieces_.longest_bytes()) > tokens_max) {
    return sink.exhausted();
  }
  if (add_special && begins_with_ != kNoToken) TRY(sink.put(begins_with_));
  bool after_special = true;
  std::string run;  // text since the last special token, across spans
  const auto encode_run = [&]() -> base::Status {
    if (run.empty()) return {};
    TRY(encode_text(run, adds_space_prefix_ && after_special, sink));
    run.clear();
    after_special = false;
    return {};
  };
  for (const TextSpan& span : spans) {
    for (const SpecialTokens::Fragment& fragment :
         special_tokens_.partition(span.text, span.parse_special)) {
      if (fragment.token == kNoToken) {
        run += fragment.text;
        continue;
      }
      TRY(encode_run());
      TRY(sink.put(fragment.token));
      after_special = true;
    }
  }
  TRY(encode_run());
  if (add_special && ends_with_ != kNoToken) TRY(sink.put(ends_with_));
  return {};
}

std::string_view TokenizerBase::piece(TokenId token, bool show_control) const {
  CHECK(token >= 0 && static_cast<std::size_t>(token) < types_.size());
  const bool is_hidden = type(token) == TokenType::kControl || type(token) == TokenType::kUnknown;
  return is_hidden && !show_control ? std::string_view() : pieces_[token];
}

std::string TokenizerBase::decode(const std::vector<TokenId>& tokens, bool show_control) const {
  std::string text;
  bool after_special = true;
  for (const TokenId token : tokens) {
    std::string_view bytes = piece(token, show_control);
    if (adds_space_prefix_ && after_special && bytes.starts_with(' ')) bytes.remove_prefix(1);
    text += bytes;
    after_special = type(token) == TokenType::kControl || type(token) == TokenType::kUnknown ||
                    type(token) == TokenType::kUserDefined;
  }
  return text;
}

TokenId TokenizerBase::find_token(std::string_view text) const {
  const auto& tokens = vocabulary_.tokens;
  const auto found = std::find(tokens.begin(), tokens.end(), text);
  return found == tokens.end() ? kNoToken : static_cast<TokenId>(found - tokens.begin());
}

}  // namespace runtime
