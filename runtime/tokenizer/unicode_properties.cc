#include "runtime/tokenizer/unicode_properties.h"

#include <algorithm>
#include <span>

#include "runtime/tokenizer/unicode_tables.h"

namespace runtime {
namespace {

bool is_in(std::span<const CodeRange> ranges, char32_t character) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), character,
                       [](char32_t c, const CodeRange& range) { return c < range.first; });
  return after != ranges.begin() && character <= (after - 1)->last;
}

// Hangul syllables are composed by arithmetic (The Unicode Standard, section 3.12).
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeading = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTrailing = 0x11A7;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailingCount = 28;
constexpr char32_t kSyllableCount = 19 * kVowelCount * kTrailingCount;

void append_decomposed_hangul(std::u32string& out, char32_t syllable) {
  const char32_t index = syllable - kSyllables;
  out += kLeading + index / (kVowelCount * kTrailingCount);
  out += kVowels + index / kTrailingCount % kVowelCount;
  if (index % kTrailingCount != 0) out += kTrailing + index % kTrailingCount;
}

}  // namespace

bool is_white_space(char32_t character) {
  if (character < 0x80) return character == ' ' || (character >= '\t' && character <= '\r');
  return character == 0x85 || character == 0xA0 || character == 0x1680 ||
         (character >= 0x2000 && character <= 0x200A) || character == 0x2028 ||
         character == 0x2029 || character == 0x202F || character == 0x205F || character == 0x3000;
}

bool is_control(char32_t character) {
  return is_in(kControlRanges, character);
}

bool is_punctuation(char32_t character) {
  return is_in(kPunctuationRanges, character);
}

bool is_nonspacing_mark(char32_t character) {
  return character >= 0x300 && is_in(kNonspacingMarkRanges, character);
}

bool is_number(char32_t character) {
  return is_in(kNumberRanges, character);
}

bool is_decimal_digit(char32_t character) {
  if (character < 0x80) return character >= '0' && character <= '9';
  return is_in(kDecimalDigitRanges, character);
}

void append_decomposed(std::u32string& out, char32_t character) {
  if (character < 0xC0) {
    out += character;
    return;
  }
  if (character >= kSyllables && character < kSyllables + kSyllableCount) {
    append_decomposed_hangul(out, character);
    return;
  }
  const auto found =
      std::lower_bound(kDecompositions.begin(), kDecompositions.end(), character,
                       [](const Decomposition& row, char32_t c) { return row.character < c; });
  if (found == kDecompositions.end() || found->character != character) {
    out += character;
    return;
  }
  for (const char32_t part : found->parts) {
    if (part != 0) out += part;
  }
}

void append_lowercase(std::u32string& out, char32_t character) {
  if (character == 0x130) {
    out += U"i\u0307";
    return;
  }
  const auto after =
      std::upper_bound(kLowercaseRanges.begin(), kLowercaseRanges.end(), character,
                       [](char32_t c, const CaseRange& range) { return c < range.first; });
  if (after != kLowercaseRanges.begin()) {
    const CaseRange& range = *(after - 1);
    if (character <= range.last && (character - range.first) % range.step == 0) {
      character = static_cast<char32_t>(static_cast<std::int32_t>(character) + range.delta);
    }
  }
  out += character;
}

}  // namespace runtime
