#include "runtime/tokenizer/word_piece_tokenizer.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/tokenizer/bert_words.h"
#include "runtime/tokenizer/byte_trie.h"
#include "runtime/tokenizer/limits.h"
#include "runtime/tokenizer/sentence_piece.h"
#include "runtime/tokenizer/tokenizer_base.h"

namespace runtime {
namespace {

ByteTrie trie_of(const Vocabulary& vocabulary, const std::vector<TokenType>& types) {
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t id = 0; id < types.size(); ++id) {
    const std::string_view text = vocabulary.tokens[id];
    if (types[id] != TokenType::kControl && types[id] != TokenType::kUnknown && !text.empty()) {
      entries.push_back({text, static_cast<TokenId>(id)});
    }
  }
  return ByteTrie(std::move(entries));
}

class WordPieceTokenizer final : public TokenizerBase {
 public:
  explicit WordPieceTokenizer(Vocabulary source)
      : TokenizerBase(std::move(source)), by_text_(trie_of(vocabulary(), types())) {
    for (std::size_t id = 0; id < types().size(); ++id) {
      pieces_.add(sentence_piece(vocabulary().tokens[id], types()[id]));
    }
    const Vocabulary& v = vocabulary();
    normalization_.lowercase = v.lowercase.value_or(true);
    normalization_.strip_accents = v.strip_accents.value_or(normalization_.lowercase);
    unknown_ = v.unknown != kNoToken ? v.unknown : find_token("[UNK]");
    // The file's "cls" token has no field of its own here; where bos is absent it goes by its name.
    set_traits(
        {.begins_with = v.add_bos.value_or(true) ? given_or_named(v.bos, "[CLS]") : kNoToken,
         .ends_with = v.add_eos.value_or(true) ? given_or_named(v.separator, "[SEP]") : kNoToken,
         .adds_space_prefix = true});
  }

 protected:
  base::Status encode_text(std::string_view text, bool /*adds_space*/,
                           TokenSink& sink) const override {
    BertWords words(text, normalization_);
    std::vector<TokenId> tokens;
    while (words.next()) {
      tokens.clear();
      if (words.characters() > kWordPieceCharactersMax || !cut(words.word(), tokens)) {
        if (unknown_ != kNoToken) TRY(sink.put(unknown_));
        continue;
      }
      for (const TokenId token : tokens) TRY(sink.put(token));
    }
    return {};
  }

 private:
  TokenId given_or_named(TokenId given, std::string_view name) const {
    return given != kNoToken ? given : find_token(name);
  }

  // False when some part of the word begins with no token: then all of it is unknown.
  bool cut(const std::string& word, std::vector<TokenId>& tokens) const {
    const std::string marked = std::string(kSpaceMark) + word;
    std::string_view rest = marked;
    while (!rest.empty()) {
      const ByteTrie::Match match = by_text_.longest_prefix(rest);
      if (match.value == ByteTrie::kNoValue) return false;
      tokens.push_back(match.value);
      rest.remove_prefix(match.bytes);
    }
    return true;
  }

  ByteTrie by_text_;
  BertNormalization normalization_;
  TokenId unknown_ = kNoToken;
};

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> create_word_piece_tokenizer(Vocabulary vocabulary) {
  return std::unique_ptr<Tokenizer>(std::make_unique<WordPieceTokenizer>(std::move(vocabulary)));
}

}  // namespace runtime
