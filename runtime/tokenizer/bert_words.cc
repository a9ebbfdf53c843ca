#include "runtime/tokenizer/bert_words.h"

#include "hardening/base/utf8.h"
#include "runtime/tokenizer/unicode_properties.h"

namespace runtime {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// The blocks that the published tokenizer sets apart. The gap before U+2B920 is one of its own:
// extension E begins at U+2B820.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_ascii_symbol(char32_t c) {
  return c == '$' || c == '+' || c == '<' || c == '=' || c == '>' || c == '^' || c == '`' ||
         c == '|' || c == '~';
}

bool is_ascii_letter_or_digit(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool stands_alone(char32_t c) {
  if (is_ascii_letter_or_digit(c)) return false;
  return is_ascii_symbol(c) || is_punctuation(c) || is_chinese(c);
}

// Of the control characters only these three are white space to BERT.
bool is_dropped(char32_t c) {
  if ((c >= ' ' && c < 0x7F) || c == '\t' || c == '\n' || c == '\r') return false;
  return c == kReplacement || is_control(c);
}

}  // namespace

bool BertWords::next() {
  word_.clear();
  characters_ = 0;
  while (true) {
    for (; pending_begin_ < pending_.size(); ++pending_begin_) {
      if (!take(pending_[pending_begin_])) return true;
    }
    pending_.clear();
    pending_begin_ = 0;
    if (text_.empty()) return !word_.empty();
    const char32_t character = base::decode_utf8(text_).code_point;
    text_.remove_prefix(base::decode_utf8(text_).bytes);
    if (is_dropped(character)) continue;
    std::u32string decomposed;
    if (normalization_.strip_accents) {
      append_decomposed(decomposed, character);
      std::erase_if(decomposed, is_nonspacing_mark);
    } else {
      decomposed += character;
    }
    for (const char32_t part : decomposed) {
      if (normalization_.lowercase) {
        append_lowercase(pending_, part);
      } else {
        pending_ += part;
      }
    }
  }
}

// False when the word is complete; the character is then left for the next one.
bool BertWords::take(char32_t character) {
  if (is_white_space(character)) {
    if (word_.empty()) return true;
    return false;
  }
  if (stands_alone(character)) {
    if (!word_.empty()) return false;
    base::append_utf8(word_, character);
    characters_ = 1;
    ++pending_begin_;
    return false;
  }
  base::append_utf8(word_, character);
  ++characters_;
  return true;
}

}  // namespace runtime
