#include "runtime/tokenizer/vocabulary_check.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "runtime/tokenizer/byte_token.h"
#include "runtime/tokenizer/limits.h"

namespace runtime {
namespace {

base::Status check_texts(const Vocabulary& vocabulary) {
  if (vocabulary.tokens.empty()) return base::invalid_input("tokenizer.ggml.tokens: no tokens");
  if (vocabulary.tokens.size() > kVocabularyTokensMax) {
    return base::exhausted(fmt::format("tokenizer.ggml.tokens: {} tokens, at most {} are allowed",
                                       vocabulary.tokens.size(), kVocabularyTokensMax));
  }
  std::size_t bytes = 0;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::size_t token_bytes = vocabulary.tokens[id].size();
    if (token_bytes > kTokenBytesMax) {
      return base::exhausted(
          fmt::format("tokenizer.ggml.tokens: token {} has {} bytes, at most {} are allowed", id,
                      token_bytes, kTokenBytesMax));
    }
    bytes += token_bytes;
  }
  if (bytes > kVocabularyBytesMax) {
    return base::exhausted(
        fmt::format("tokenizer.ggml.tokens: {} bytes of text, at most {} are allowed", bytes,
                    kVocabularyBytesMax));
  }
  return {};
}

base::Status check_type(const Vocabulary& vocabulary, std::size_t id) {
  const std::string_view text = vocabulary.tokens[id];
  switch (vocabulary.types[id]) {
    case TokenType::kUndefined:
    case TokenType::kNormal:
    case TokenType::kUnused:
      return {};
    case TokenType::kByte:
      if (parse_byte_token(text)) return {};
      return base::invalid_input(
          fmt::format("tokenizer.ggml.token_type: token {} is a byte token, but its text is "
                      "not of the form <0xNN>",
                      id));
    case TokenType::kUnknown:
    case TokenType::kControl:
    case TokenType::kUserDefined:
      if (text.empty()) {
        return base::invalid_input(
            fmt::format("tokenizer.ggml.tokens: special token {} has no text", id));
      }
      if (text.size() > kSpecialTokenBytesMax) {
        return base::exhausted(
            fmt::format("tokenizer.ggml.tokens: special token {} has {} bytes, at most {} are "
                        "allowed",
                        id, text.size(), kSpecialTokenBytesMax));
      }
      return {};
  }
  return base::invalid_input(
      fmt::format("tokenizer.ggml.token_type: token {} has the unknown type {}", id,
                  static_cast<int>(vocabulary.types[id])));
}

base::Status check_types_and_scores(const Vocabulary& vocabulary) {
  const std::size_t count = vocabulary.tokens.size();
  if (!vocabulary.types.empty() && vocabulary.types.size() != count) {
    return base::invalid_input(fmt::format("tokenizer.ggml.token_type: {} types for {} tokens",
                                           vocabulary.types.size(), count));
  }
  for (std::size_t id = 0; id < vocabulary.types.size(); ++id) TRY(check_type(vocabulary, id));
  if (!vocabulary.scores.empty() && vocabulary.scores.size() != count) {
    return base::invalid_input(fmt::format("tokenizer.ggml.scores: {} scores for {} tokens",
                                           vocabulary.scores.size(), count));
  }
  for (std::size_t id = 0; id < vocabulary.scores.size(); ++id) {
    if (!std::isfinite(vocabulary.scores[id])) {
      return base::invalid_input(
          fmt::format("tokenizer.ggml.scores: the score of token {} is not a number", id));
    }
  }
  return {};
}

base::Status check_ids(const Vocabulary& vocabulary) {
  const std::pair<std::string_view, TokenId> ids[] = {
      {"bos_token_id", vocabulary.bos},         {"eos_token_id", vocabulary.eos},
      {"eot_token_id", vocabulary.eot},         {"eom_token_id", vocabulary.eom},
      {"unknown_token_id", vocabulary.unknown}, {"seperator_token_id", vocabulary.separator},
      {"padding_token_id", vocabulary.padding},
  };
  for (const auto& [name, id] : ids) {
    if (id == kNoToken || (id >= 0 && static_cast<std::size_t>(id) < vocabulary.tokens.size()))
      continue;
    return base::invalid_input(fmt::format("tokenizer.ggml.{}: {} is not one of the {} tokens",
                                           name, id, vocabulary.tokens.size()));
  }
  if (vocabulary.add_bos.value_or(false) && vocabulary.bos == kNoToken &&
      vocabulary.model != "bert") {
    return base::invalid_input("tokenizer.ggml.add_bos_token: true, but there is no bos_token_id");
  }
  if (vocabulary.add_eos.value_or(false) && vocabulary.eos == kNoToken &&
      vocabulary.model != "bert") {
    return base::invalid_input("tokenizer.ggml.add_eos_token: true, but there is no eos_token_id");
  }
  return {};
}

base::Status check_merges(const Vocabulary& vocabulary) {
  if (vocabulary.merges.size() > kMergesMax) {
    return base::exhausted(fmt::format("tokenizer.ggml.merges: {} merges, at most {} are allowed",
                                       vocabulary.merges.size(), kMergesMax));
  }
  for (std::size_t i = 0; i < vocabulary.merges.size(); ++i) {
    const std::string_view merge = vocabulary.merges[i];
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size() ||
        merge.size() > 2 * kTokenBytesMax + 1) {
      return base::invalid_input(
          fmt::format("tokenizer.ggml.merges: merge {} is not two texts with a space between "
                      "them",
                      i));
    }
  }
  return {};
}

}  // namespace

base::Status check_vocabulary(const Vocabulary& vocabulary) {
  TRY(check_texts(vocabulary));
  TRY(check_types_and_scores(vocabulary));
  TRY(check_ids(vocabulary));
  return check_merges(vocabulary);
}

}  // namespace runtime
