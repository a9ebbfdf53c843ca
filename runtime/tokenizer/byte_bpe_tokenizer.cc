#include "runtime/tokenizer/byte_bpe_tokenizer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "hardening/base/utf8.h"
#include "runtime/tokenizer/bpe_merges.h"
#include "runtime/tokenizer/byte_alphabet.h"
#include "runtime/tokenizer/byte_trie.h"
#include "runtime/tokenizer/merge_table.h"
#include "runtime/tokenizer/pre_tokenizer.h"
#include "runtime/tokenizer/tokenizer_base.h"

namespace runtime {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Tokens that text can become, under the text the file has for them.
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

class ByteBpeTokenizer final : public TokenizerBase {
 public:
  ByteBpeTokenizer(Vocabulary source, const PreTokenizerSpec& spec,
                   std::unique_ptr<PreTokenizer> pre_tokenizer)
      : TokenizerBase(std::move(source)),
        pre_tokenizer_(std::move(pre_tokenizer)),
        by_text_(trie_of(vocabulary(), types())),
        merges_(bpe_merges(vocabulary(),
                           [this](std::string_view text) { return by_text_.find(text); })),
        by_bytes_(add_pieces()),
        ignores_merges_(spec.ignores_merges) {
    const Vocabulary& v = vocabulary();
    const bool has_every_byte = find_bytes();
    set_traits({.begins_with = v.add_bos.value_or(spec.adds_bos) ? v.bos : kNoToken,
                .ends_with = v.add_eos.value_or(false) ? v.eos : kNoToken,
                .keeps_every_byte = has_every_byte});
  }

 protected:
  base::Status encode_text(std::string_view text, bool /*adds_space*/,
                           TokenSink& sink) const override {
    Words words(merges_);
    while (!text.empty()) {
      const std::size_t bad = std::min(base::find_invalid_utf8(text), text.size());
      TRY(encode_utf8(text.substr(0, bad), words, sink));
      text.remove_prefix(bad);
      if (text.empty()) break;
      TRY(encode_bad_byte(static_cast<unsigned char>(text.front()), words, sink));
      text.remove_prefix(1);
    }
    return {};
  }

 private:
  // Memory that is used for one piece after the other.
  struct Words {
    explicit Words(const MergeTable& merges) : merger(merges) {}
    SymbolMerger merger;
    std::vector<Symbol> symbols;
    std::vector<std::uint32_t> ends;
  };

  base::Status encode_utf8(std::string_view text, Words& words, TokenSink& sink) const {
    TRY(pre_tokenizer_->split(text, words.ends));
    std::size_t begin = 0;
    for (const std::uint32_t end : words.ends) {
      TRY(encode_word(text.substr(begin, end - begin), words, sink));
      begin = end;
    }
    return {};
  }

  base::Status encode_word(std::string_view word, Words& words, TokenSink& sink) const {
    if (ignores_merges_) {
      if (const TokenId whole = by_bytes_.find(word); whole != kNoToken) return sink.put(whole);
    }
    words.symbols.clear();
    for (const char byte : word)
      words.symbols.push_back(symbols_[static_cast<unsigned char>(byte)]);
    words.merger.merge(words.symbols);
    for (const Symbol symbol : words.symbols) {
      if (symbol != kNothing) TRY(sink.put(symbol));
    }
    return {};
  }

  // Fills symbols_. Returns whether every byte has a token.
  bool find_bytes() {
    for (std::size_t byte = 0; byte < symbols_.size(); ++byte) {
      std::string text;
      base::append_utf8(text, alphabet_character(static_cast<unsigned char>(byte)));
      const TokenId token = by_text_.find(text);
      // A user-defined token of that text stands for the text, not for the byte.
      const bool is_byte = token != kNoToken && type(token) != TokenType::kUserDefined;
      has_byte_[byte] = is_byte;
      symbols_[byte] = is_byte                            ? token
                       : vocabulary().unknown != kNoToken ? vocabulary().unknown
                                                          : kNothing;
    }
    return std::find(has_byte_.begin(), has_byte_.end(), false) == has_byte_.end();
  }

  // Its own byte where there is a token for it. Otherwise U+FFFD, as a decoder would have put
  // there.
  base::Status encode_bad_byte(unsigned char byte, Words& words, TokenSink& sink) const {
    if (has_byte_[byte]) return sink.put(symbols_[byte]);
    return encode_utf8(kReplacement, words, sink);
  }

  // Fills pieces_; returns the tokens of text by their bytes.
  ByteTrie add_pieces() {
    for (std::size_t id = 0; id < types().size(); ++id) {
      const std::string& text = vocabulary().tokens[id];
      const bool is_text = types()[id] == TokenType::kNormal || types()[id] == TokenType::kUnused ||
                           types()[id] == TokenType::kUndefined || types()[id] == TokenType::kByte;
      pieces_.add(is_text ? decode_alphabet(text).value_or(text) : text);
    }
    std::vector<ByteTrie::Entry> entries;
    for (std::size_t id = 0; id < types().size(); ++id) {
      const std::string_view bytes = pieces_[static_cast<TokenId>(id)];
      if (types()[id] == TokenType::kNormal && !bytes.empty())
        entries.push_back({bytes, static_cast<TokenId>(id)});
    }
    return ByteTrie(std::move(entries));
  }

  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  ByteTrie by_text_;
  MergeTable merges_;
  ByteTrie by_bytes_;
  std::array<Symbol, 256> symbols_{};  // by byte
  std::array<bool, 256> has_byte_{};
  bool ignores_merges_;
};

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> create_byte_bpe_tokenizer(Vocabulary vocabulary,
                                                                   const PreTokenizerSpec& spec) {
  auto pre_tokenizer = TRY(PreTokenizer::create(spec));
  return std::unique_ptr<Tokenizer>(
      std::make_unique<ByteBpeTokenizer>(std::move(vocabulary), spec, std::move(pre_tokenizer)));
}

}  // namespace runtime
