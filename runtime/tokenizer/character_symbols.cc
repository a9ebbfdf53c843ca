#include "runtime/tokenizer/character_symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hardening/base/utf8.h"
#include "runtime/tokenizer/byte_token.h"
#include "runtime/tokenizer/limits.h"
#include "runtime/tokenizer/sentence_piece.h"

namespace runtime {
namespace {

constexpr Symbol kNoSymbol = -1;

bool can_merge(TokenType type) {
  return type != TokenType::kControl && type != TokenType::kUnknown && type != TokenType::kByte;
}

// Characters that occur in tokens, once each. A byte that is not UTF-8 counts as one.
std::vector<std::string> characters_of(const Vocabulary& vocabulary,
                                       const std::vector<TokenType>& types) {
  std::vector<std::pair<char32_t, bool>> characters;
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (!can_merge(types[id])) continue;
    std::string_view text = vocabulary.tokens[id];
    while (!text.empty()) {
      const base::Utf8Char character = base::decode_utf8(text);
      const auto byte = static_cast<unsigned char>(text.front());
      characters.emplace_back(character.valid ? character.code_point : byte, character.valid);
      text.remove_prefix(character.bytes);
    }
  }
  std::sort(characters.begin(), characters.end());
  characters.erase(std::unique(characters.begin(), characters.end()), characters.end());
  std::vector<std::string> texts;
  for (const auto& [code, valid] : characters) {
    std::string& text = texts.emplace_back();
    if (valid) {
      base::append_utf8(text, code);
    } else {
      text.push_back(static_cast<char>(code));
    }
  }
  return texts;
}

ByteTrie trie_of(const Vocabulary& vocabulary, const std::vector<TokenType>& types,
                 const std::vector<std::string>& characters) {
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t id = 0; id < types.size(); ++id) {
    const std::string_view text = vocabulary.tokens[id];
    if (can_merge(types[id]) && !text.empty()) entries.push_back({text, static_cast<Symbol>(id)});
  }
  // Of equal texts the lowest value stays: a character that is a token keeps the token's id.
  for (std::size_t i = 0; i < characters.size(); ++i) {
    entries.push_back({characters[i], static_cast<Symbol>(types.size() + i)});
  }
  return ByteTrie(std::move(entries));
}

std::array<TokenId, 256> byte_tokens_of(const Vocabulary& vocabulary,
                                        const std::vector<TokenType>& types) {
  std::array<TokenId, 256> tokens;
  tokens.fill(kNoToken);
  for (std::size_t id = types.size(); id-- > 0;) {
    if (const auto byte = parse_byte_token(vocabulary.tokens[id]))
      tokens[*byte] = static_cast<TokenId>(id);
  }
  return tokens;
}

}  // namespace

CharacterSymbols::CharacterSymbols(const Vocabulary& vocabulary,
                                   const std::vector<TokenType>& types)
    : vocabulary_(vocabulary),
      types_(types),
      characters_(characters_of(vocabulary, types)),
      by_text_(trie_of(vocabulary, types, characters_)),
      byte_tokens_(byte_tokens_of(vocabulary, types)),
      unknown_(vocabulary.unknown) {
  for (std::size_t byte = 0; byte < ascii_.size(); ++byte) {
    const char character = static_cast<char>(byte);
    ascii_[byte] = by_text_.find(character == ' ' ? kSpaceMark : std::string_view(&character, 1));
  }
}

std::string_view CharacterSymbols::text_of(Symbol symbol) const {
  const auto index = static_cast<std::size_t>(symbol);
  return index < types_.size() ? vocabulary_.tokens[index] : characters_[index - types_.size()];
}

void CharacterSymbols::append(std::string_view text, std::vector<Symbol>& symbols) const {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t bytes = first < ascii_.size() ? 1 : base::decode_utf8(text).bytes;
    const Symbol symbol =
        first < ascii_.size() ? ascii_[first] : by_text_.find(text.substr(0, bytes));
    if (symbol != kNoSymbol) {
      symbols.push_back(symbol);
    } else {
      append_bytes(text.substr(0, bytes), symbols);
    }
    text.remove_prefix(bytes);
  }
}

// Byte tokens and the unknown token merge with nothing, so they can stand among the symbols.
void CharacterSymbols::append_bytes(std::string_view bytes, std::vector<Symbol>& symbols) const {
  for (const char byte : bytes) {
    const TokenId token = byte_tokens_[static_cast<unsigned char>(byte)];
    if (token != kNoToken) {
      symbols.push_back(token);
    } else if (unknown_ == kNoToken) {
      symbols.push_back(kNothing);
    } else if (symbols.empty() || symbols.back() != unknown_) {
      symbols.push_back(unknown_);
    }
  }
}

base::Status CharacterSymbols::put(const std::vector<Symbol>& symbols, TokenSink& sink) const {
  std::vector<Symbol> bytes;
  for (const Symbol symbol : symbols) {
    if (symbol == kNothing) continue;
    if (static_cast<std::size_t>(symbol) < types_.size()) {
      TRY(sink.put(symbol));
      continue;
    }
    bytes.clear();
    append_bytes(text_of(symbol) == kSpaceMark ? " " : text_of(symbol), bytes);
    for (const Symbol token : bytes) {
      if (token != kNothing) TRY(sink.put(token));
    }
  }
  return {};
}

base::Result<std::vector<MergeTable::Merge>> CharacterSymbols::all_merges(
    std::uint32_t (*rank)(float score)) const {
  std::vector<std::string> reversed(types_.size() + characters_.size());
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t i = 0; i < reversed.size(); ++i) {
    const auto symbol = static_cast<Symbol>(i);
    const std::string_view text = text_of(symbol);
    if (by_text_.find(text) != symbol) continue;
    reversed[i].assign(text.rbegin(), text.rend());
    entries.push_back({reversed[i], symbol});
  }
  const ByteTrie by_end(std::move(entries));

  std::vector<MergeTable::Merge> merges;
  std::vector<Symbol> lefts;
  for (std::size_t id = 0; id < types_.size(); ++id) {
    const std::string_view text = vocabulary_.tokens[id];
    if (reversed[id].empty()) continue;
    lefts.assign(text.size() + 1, kNoSymbol);
    by_text_.each_prefix(text, [&lefts](std::size_t bytes, Symbol left) { lefts[bytes] = left; });
    by_end.each_prefix(reversed[id], [&](std::size_t bytes, Symbol right) {
      const Symbol left = lefts[text.size() - bytes];
      if (left == kNoSymbol || merges.size() > kMergePairsMax) return;
      merges.push_back({left, right, static_cast<Symbol>(id), rank(vocabulary_.scores[id])});
    });
    if (merges.size() > kMergePairsMax) {
      return base::exhausted(
          fmt::format("tokenizer.ggml.tokens: more than {} ways to merge two tokens to a third",
                      kMergePairsMax));
    }
  }
  return merges;
}

}  // namespace runtime
