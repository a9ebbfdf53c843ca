#include "runtime/tokenizer/special_tokens.h"

#include <algorithm>
#include <cstddef>

namespace runtime {
namespace {

bool is_special(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown ||
         type == TokenType::kUserDefined;
}

template <typename Predicate>
ByteTrie trie_of(const Vocabulary& vocabulary, const std::vector<TokenType>& types,
                 Predicate wanted) {
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (wanted(types[id]) && !vocabulary.tokens[id].empty()) {
      entries.push_back({vocabulary.tokens[id], static_cast<TokenId>(id)});
    }
  }
  return ByteTrie(std::move(entries));
}

bool has_token(const Vocabulary& vocabulary, std::string_view text) {
  return std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), text) !=
         vocabulary.tokens.end();
}

// As isspace(3) in the C locale.
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary, const std::vector<TokenType>& types)
    : strip_(types.size(), kStripNothing),
      has_user_defined_(std::find(types.begin(), types.end(), TokenType::kUserDefined) !=
                        types.end()),
      user_defined_(trie_of(vocabulary, types,
                            [](TokenType type) { return type == TokenType::kUserDefined; })),
      all_(trie_of(vocabulary, types, is_special)) {
  choose_strips(vocabulary, types);
}

// GGUF has no field for the "lstrip" and "rstrip" of Hugging Face's added tokens. These families
// have them.
void SpecialTokens::choose_strips(const Vocabulary& vocabulary,
                                  const std::vector<TokenType>& types) {
  const bool is_phi3 = vocabulary.model == "llama" && has_token(vocabulary, "<|assistant|>") &&
                       has_token(vocabulary, "<|placeholder1|>");
  const bool masks_strip = vocabulary.model == "t5" || vocabulary.pre == "jina-v2-de" ||
                           vocabulary.pre == "jina-v2-es" || vocabulary.pre == "jina-v2-code" ||
                           vocabulary.pre == "modern-bert";
  for (std::size_t id = 0; id < types.size(); ++id) {
    const std::string_view text = vocabulary.tokens[id];
    if (is_phi3 && is_special(types[id]) && text != "<unk>" && text != "<s>" &&
        text != "<|endoftext|>") {
      strip_[id] = kStripRight;
    }
    if (masks_strip && (text == "<mask>" || text == "[MASK]")) strip_[id] = kStripLeft;
    strips_ = strips_ || strip_[id] != kStripNothing;
  }
}

std::vector<SpecialTokens::Fragment> SpecialTokens::partition(std::string_view text,
                                                              bool parse_special) const {
  std::vector<Fragment> fragments;
  const ByteTrie& trie = parse_special ? all_ : user_defined_;
  std::size_t begin = 0;  // of the text not yet in a fragment
  std::size_t position = parse_special || has_user_defined_ ? 0 : text.size();
  while (position < text.size()) {
    const ByteTrie::Match match = trie.longest_prefix(text.substr(position));
    if (match.value == ByteTrie::kNoValue) {
      ++position;
      continue;
    }
    const unsigned char strip = strip_[static_cast<std::size_t>(match.value)];
    std::size_t end = position;
    if ((strip & kStripLeft) != 0) {
      while (end > begin && is_space(text[end - 1])) --end;
    }
    if (end > begin) fragments.push_back({kNoToken, text.substr(begin, end - begin)});
    fragments.push_back({match.value, text.substr(position, match.bytes)});
    position += match.bytes;
    if ((strip & kStripRight) != 0) {
      while (position < text.size() && is_space(text[position])) ++position;
    }
    begin = position;
  }
  if (begin < text.size()) fragments.push_back({kNoToken, text.substr(begin)});
  return fragments;
}

}  // namespace runtime
