#include "runtime/tokenizer/unigram_tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/utf8.h"
#include "runtime/tokenizer/byte_trie.h"
#include "runtime/tokenizer/character_map.h"
#include "runtime/tokenizer/sentence_piece.h"
#include "runtime/tokenizer/tokenizer_base.h"

namespace runtime {
namespace {

// How much worse than the worst token an unknown character is.
constexpr double kUnknownPenalty = 10;

template <typename Predicate>
ByteTrie trie_of(const Vocabulary& vocabulary, const std::vector<TokenType>& types,
                 Predicate wanted) {
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t id = 0; id < types.size(); ++id) {
    const std::string_view text = vocabulary.tokens[id];
    if (wanted(types[id]) && !text.empty()) entries.push_back({text, static_cast<TokenId>(id)});
  }
  return ByteTrie(std::move(entries));
}

class UnigramTokenizer final : public TokenizerBase {
 public:
  UnigramTokenizer(Vocabulary source, CharacterMap map)
      : TokenizerBase(std::move(source)),
        map_(std::move(map)),
        by_text_(trie_of(vocabulary(), types(),
                         [](TokenType type) {
                           return type == TokenType::kNormal || type == TokenType::kUserDefined ||
                                  type == TokenType::kUnused;
                         })),
        user_defined_(trie_of(vocabulary(), types(),
                              [](TokenType type) { return type == TokenType::kUserDefined; })) {
    const Vocabulary& v = vocabulary();
    float worst = std::numeric_limits<float>::max();
    for (std::size_t id = 0; id < types().size(); ++id) {
      pieces_.add(sentence_piece(v.tokens[id], types()[id]));
      if (types()[id] == TokenType::kNormal) worst = std::min(worst, v.scores[id]);
    }
    unknown_score_ = static_cast<float>(worst - kUnknownPenalty);
    set_traits({.begins_with = v.add_bos.value_or(false) ? v.bos : kNoToken,
                .ends_with = v.add_eos.value_or(true) ? v.eos : kNoToken,
                .adds_space_prefix = v.add_space_prefix.value_or(true)});
  }

 protected:
  base::Status encode_text(std::string_view text, bool /*adds_space*/,
                           TokenSink& sink) const override {
    const std::string normalized = normalize(text);
    std::vector<TokenId> tokens = best_cut(normalized);
    for (std::size_t i = tokens.size(); i-- > 0;) {
      if (tokens[i] != kNoToken) TRY(sink.put(tokens[i]));
    }
    return {};
  }

 private:
  // The best way to cut the text up to some place.
  struct Best {
    double score = -std::numeric_limits<double>::max();
    std::uint32_t begin = 0;  // of its last token
    TokenId token = kNoToken;
  };

  std::string normalize(std::string_view text) const;
  void append_normalized(std::string_view bytes, bool& in_word, bool& prefixed,
                         std::string& out) const;
  std::vector<TokenId> best_cut(const std::string& text) const;

  CharacterMap map_;
  ByteTrie by_text_;
  ByteTrie user_defined_;
  float unknown_score_ = 0;
};

std::string UnigramTokenizer::normalize(std::string_view text) const {
  std::string out;
  bool in_word = false;
  bool prefixed = false;
  while (!text.empty()) {
    std::size_t bytes = user_defined_.longest_prefix(text).bytes;
    std::string_view with = text.substr(0, bytes);
    if (bytes == 0) {
      if (const auto replacement = map_.find(text)) {
        bytes = replacement->bytes;
        with = replacement->with;
      } else {
        const base::Utf8Char character = base::decode_utf8(text);
        bytes = character.bytes;
        with = character.valid ? text.substr(0, bytes) : "\xEF\xBF\xBD";
      }
    }
    append_normalized(with, in_word, prefixed, out);
    text.remove_prefix(bytes);
  }
  return out;
}

void UnigramTokenizer::append_normalized(std::string_view bytes, bool& in_word, bool& prefixed,
                                         std::string& out) const {
  const bool joins_spaces = vocabulary().remove_extra_whitespaces.value_or(false);
  const bool wants_prefix = vocabulary().add_space_prefix.value_or(true);
  for (const char c : bytes) {
    if (c == ' ') {
      in_word = false;
      if (!joins_spaces) out += kSpaceMark;
      continue;
    }
    if (!in_word && (joins_spaces || (wants_prefix && !prefixed))) {
      out += kSpaceMark;
      prefixed = true;
    }
    in_word = true;
    out += c;
  }
}

// Last token first. Viterbi's algorithm over the places between characters.
std::vector<TokenId> UnigramTokenizer::best_cut(const std::string& text) const {
  std::vector<Best> best(text.size() + 1);
  best[0].score = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::string_view rest = std::string_view(text).substr(begin);
    const std::size_t character_bytes = base::decode_utf8(rest).bytes;
    const double score_here = best[begin].score;
    const auto offer = [&](std::size_t bytes, TokenId token, double score) {
      Best& there = best[begin + bytes];
      if (score_here + score > there.score)
        there = {score_here + score, static_cast<std::uint32_t>(begin), token};
    };
    bool knows_character = false;
    by_text_.each_prefix(rest, [&](std::size_t bytes, TokenId token) {
      knows_character = knows_character || bytes == character_bytes;
      offer(bytes, token,
            type(token) == TokenType::kUserDefined
                ? 0.0
                : double{vocabulary().scores[static_cast<std::size_t>(token)]});
    });
    if (!knows_character) offer(character_bytes, vocabulary().unknown, unknown_score_);
    begin += character_bytes;
  }
  std::vector<TokenId> tokens;
  for (std::size_t end = text.size(); end > 0; end = best[end].begin) {
    const TokenId token = best[end].token;
    const bool repeats_unknown =
        token == vocabulary().unknown && !tokens.empty() && tokens.back() == token;
    if (!repeats_unknown) tokens.push_back(token);
  }
  return tokens;
}

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> create_unigram_tokenizer(Vocabulary vocabulary) {
  if (vocabulary.scores.empty())
    return base::invalid_input("tokenizer.ggml.scores: missing, cuts go by it");
  CharacterMap map = TRY(CharacterMap::create(vocabulary.precompiled_charsmap));
  return std::unique_ptr<Tokenizer>(
      std::make_unique<UnigramTokenizer>(std::move(vocabulary), std::move(map)));
}

}  // namespace runtime
