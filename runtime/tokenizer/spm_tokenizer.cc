#include "runtime/tokenizer/spm_tokenizer.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/tokenizer/character_symbols.h"
#include "runtime/tokenizer/merge_table.h"
#include "runtime/tokenizer/sentence_piece.h"
#include "runtime/tokenizer/tokenizer_base.h"

namespace runtime {
namespace {

// Ascending where scores descend; equal for equal scores.
std::uint32_t rank_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 becomes +0
  return (bits >> 31) != 0 ? bits : ~(bits | 0x80000000U);
}

// Whether a token goes on from the end of one word to the space before the next.
bool crosses_words(std::string_view token) {
  for (std::size_t mark = token.find(kSpaceMark); mark != token.npos;
       mark = token.find(kSpaceMark, mark + 1)) {
    if (mark > 0 && !token.substr(0, mark).ends_with(kSpaceMark)) return true;
  }
  return false;
}

// Where the first word ends: before a space, written either way, that follows something else.
std::size_t word_end(std::string_view text) {
  bool in_word = false;
  for (std::size_t i = 0; i < text.size();) {
    const bool is_mark = text.substr(i).starts_with(kSpaceMark);
    const bool is_space = is_mark || text[i] == ' ';
    if (is_space && in_word) return i;
    in_word = !is_space;
    i += is_mark ? kSpaceMark.size() : 1;
  }
  return text.size();
}

class SpmTokenizer final : public TokenizerBase {
 public:
  explicit SpmTokenizer(Vocabulary source)
      : TokenizerBase(std::move(source)), symbols_(vocabulary(), types()) {
    for (std::size_t id = 0; id < types().size(); ++id) {
      pieces_.add(sentence_piece(vocabulary().tokens[id], types()[id]));
    }
    const Vocabulary& v = vocabulary();
    set_traits({.begins_with = v.add_bos.value_or(true) ? v.bos : kNoToken,
                .ends_with = v.add_eos.value_or(false) ? v.eos : kNoToken,
                .adds_space_prefix = v.add_space_prefix.value_or(true),
                .keeps_every_byte = true});
  }

  base::Status build() {
    merges_.emplace(TRY(symbols_.all_merges(rank_of)));
    const Vocabulary& v = vocabulary();
    words_are_apart_ = std::none_of(v.tokens.begin(), v.tokens.end(), crosses_words);
    return {};
  }

 protected:
  base::Status encode_text(std::string_view text, bool adds_space, TokenSink& sink) const override {
    SymbolMerger merger(*merges_);
    std::vector<Symbol> symbols;
    if (adds_space) symbols_.append(" ", symbols);
    while (!text.empty()) {
      const std::size_t end = words_are_apart_ ? word_end(text) : text.size();
      symbols_.append(text.substr(0, end), symbols);
      merger.merge(symbols);
      TRY(symbols_.put(symbols, sink));
      symbols.clear();
      text.remove_prefix(end);
    }
    return {};
  }

 private:
  CharacterSymbols symbols_;
  std::optional<MergeTable> merges_;
  // No merge joins two words, so that each can be done alone: the same result with a shorter queue.
  bool words_are_apart_ = false;
};

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> create_spm_tokenizer(Vocabulary vocabulary) {
  if (vocabulary.scores.empty())
    return base::invalid_input("tokenizer.ggml.scores: missing, merges go by it");
  auto tokenizer = std::make_unique<SpmTokenizer>(std::move(vocabulary));
  TRY(tokenizer->build());
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

}  // namespace runtime
