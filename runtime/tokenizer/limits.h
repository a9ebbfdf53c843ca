// What a vocabulary and a text may be at most.
#ifndef RUNTIME_TOKENIZER_LIMITS_H_
#define RUNTIME_TOKENIZER_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace runtime {

// The largest published vocabularies have 262,144 tokens of at most 256 bytes (a run of spaces).
inline constexpr std::size_t kVocabularyTokensMax = 1'000'000;
inline constexpr std::size_t kTokenBytesMax = 1024;
inline constexpr std::size_t kVocabularyBytesMax = std::size_t{32} << 20;  // all texts together
inline constexpr std::size_t kMergesMax = 2'000'000;

// Ways to put a token together from two others; each takes 16 bytes, at a load of at most one half.
inline constexpr std::size_t kMergePairsMax = 8'000'000;

// Control and user-defined tokens are looked for at every byte of a text, so their length is its
// factor.
inline constexpr std::size_t kSpecialTokenBytesMax = 512;

// Bounds the working memory of one encode() call, about 40 bytes per byte of text. Callers bound
// their texts far below; a context window of a million tokens holds some 4 MB of English.
inline constexpr std::size_t kTextBytesMax = std::size_t{64} << 20;

// PCRE2's own limits for one match. No pattern of ours needs to backtrack into a group, so an
// ordinary match stays below a thousand steps; a run of white space takes as many as it is long.
inline constexpr std::uint32_t kPatternMatchSteps = 2 * std::uint32_t{kTextBytesMax};
inline constexpr std::uint32_t kPatternDepth = 1000;
inline constexpr std::uint32_t kPatternHeapKib = 16 * 1024;

// BERT's reference tokenizer gives up on longer words and calls them unknown.
inline constexpr std::size_t kWordPieceCharactersMax = 100;

// XLM-RoBERTa's normalisation takes 237,539 bytes.
inline constexpr std::size_t kCharacterMapBytesMax = std::size_t{4} << 20;

static_assert(kTextBytesMax <= UINT32_MAX, "positions in a text are 32 bits wide");
static_assert(kSpecialTokenBytesMax <= kTokenBytesMax);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_LIMITS_H_
