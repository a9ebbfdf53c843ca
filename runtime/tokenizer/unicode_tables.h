// Generated from the Unicode character database by make_unicode_tables.py; read through
// unicode_properties.h.
#ifndef RUNTIME_TOKENIZER_UNICODE_TABLES_H_
#define RUNTIME_TOKENIZER_UNICODE_TABLES_H_

#include <cstdint>
#include <span>

namespace runtime {

struct CodeRange {
  char32_t first;
  char32_t last;
};

// Characters first … last, of which every `step`-th becomes itself plus `delta` in lower case.
struct CaseRange {
  char32_t first;
  char32_t last;
  std::int32_t delta;
  std::uint32_t step;
};

struct Decomposition {
  char32_t character;
  char32_t parts[4];  // 0 where it has fewer
};

// All ascending.
extern const std::span<const CodeRange> kControlRanges;
extern const std::span<const CodeRange> kPunctuationRanges;
extern const std::span<const CodeRange> kNonspacingMarkRanges;
extern const std::span<const CodeRange> kNumberRanges;
extern const std::span<const CodeRange> kDecimalDigitRanges;
extern const std::span<const CaseRange> kLowercaseRanges;
extern const std::span<const Decomposition> kDecompositions;  // without Hangul, which is computed

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_UNICODE_TABLES_H_
