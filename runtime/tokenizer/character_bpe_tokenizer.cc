#include "runtime/tokenizer/character_bpe_tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/utf8.h"
#include "runtime/tokenizer/bpe_merges.h"
#include "runtime/tokenizer/character_symbols.h"
#include "runtime/tokenizer/merge_table.h"
#include "runtime/tokenizer/pre_tokenizer.h"
#include "runtime/tokenizer/sentence_piece.h"
#include "runtime/tokenizer/tokenizer_base.h"

namespace runtime {
namespace {

class CharacterBpeTokenizer final : public TokenizerBase {
 public:
  CharacterBpeTokenizer(Vocabulary source, const PreTokenizerSpec& spec,
                        std::unique_ptr<PreTokenizer> pre_tokenizer)
      : TokenizerBase(std::move(source)),
        pre_tokenizer_(std::move(pre_tokenizer)),
        symbols_(vocabulary(), types()),
        merges_(bpe_merges(vocabulary(),
                           [this](std::string_view text) { return symbols_.find(text); })) {
    for (std::size_t id = 0; id < types().size(); ++id) {
      pieces_.add(sentence_piece(vocabulary().tokens[id], types()[id]));
    }
    const Vocabulary& v = vocabulary();
    set_traits({.begins_with = v.add_bos.value_or(spec.adds_bos) ? v.bos : kNoToken,
                .ends_with = v.add_eos.value_or(false) ? v.eos : kNoToken,
                .keeps_every_byte = true});
  }

 protected:
  base::Status encode_text(std::string_view text, bool /*adds_space*/,
                           TokenSink& sink) const override {
    SymbolMerger merger(merges_);
    std::vector<Symbol> symbols;
    while (!text.empty()) {
      const std::size_t bad = std::min(base::find_invalid_utf8(text), text.size());
      TRY(encode_utf8(text.substr(0, bad), merger, symbols, sink));
      text.remove_prefix(bad);
      if (text.empty()) break;
      symbols.clear();
      symbols_.append(text.substr(0, 1), symbols);
      TRY(symbols_.put(symbols, sink));
      text.remove_prefix(1);
    }
    return {};
  }

 private:
  base::Status encode_utf8(std::string_view text, SymbolMerger& merger,
                           std::vector<Symbol>& symbols, TokenSink& sink) const {
    std::vector<std::uint32_t> ends;
    TRY(pre_tokenizer_->split(text, ends));
    std::size_t begin = 0;
    for (const std::uint32_t end : ends) {
      const std::string_view word = text.substr(begin, end - begin);
      begin = end;
      symbols.clear();
      // Gemma 4 has tokens for runs of newlines, but no merges that lead to them.
      const Symbol whole = word.front() == '\n' ? symbols_.find(word) : kNoToken;
      if (whole != kNoToken) {
        symbols.push_back(whole);
      } else {
        symbols_.append(word, symbols);
        merger.merge(symbols);
      }
      TRY(symbols_.put(symbols, sink));
    }
    return {};
  }

  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  CharacterSymbols symbols_;
  MergeTable merges_;
};

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> create_character_bpe_tokenizer(
    Vocabulary vocabulary, const PreTokenizerSpec& spec) {
  auto pre_tokenizer = TRY(PreTokenizer::create(spec));
  return std::unique_ptr<Tokenizer>(std::make_unique<CharacterBpeTokenizer>(
      std::move(vocabulary), spec, std::move(pre_tokenizer)));
}

}  // namespace runtime
