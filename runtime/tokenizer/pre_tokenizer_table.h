// The pre-tokenizers that model files name in "tokenizer.ggml.pre", as data.
//
// Each is the list of splits that its model's published tokenizer.json or tokenizer code makes
// before BPE.
#ifndef RUNTIME_TOKENIZER_PRE_TOKENIZER_TABLE_H_
#define RUNTIME_TOKENIZER_PRE_TOKENIZER_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace runtime {

// One pass over the pieces that the passes before it left; what a pass finds becomes a piece, and
// so does what lies between its finds.
struct SplitStep {
  enum class Kind : std::uint8_t {
    kPattern,        // `pattern`, in PCRE2's syntax; \s and \S mean Unicode's White_Space property
    kDigitGroups,    // in a piece of numbers alone, digits are cut into threes from their end
    kTrailingSpace,  // the white space that ends a piece
  };

  Kind kind = Kind::kPattern;
  std::string_view pattern = {};
};

struct PreTokenizerSpec {
  std::string_view name;
  std::span<const SplitStep> steps;
  // A piece that is a token is taken as it is, whatever the merges would make of it.
  bool ignores_merges = false;
  bool adds_bos = false;  // where the file does not say
  // Merges work on characters, with U+2581 for the space and tokens like "<0x0A>" for unknown
  // bytes, instead of on bytes in GPT-2's alphabet.
  bool on_characters = false;
};

// Null for an unknown name. The empty name is "default".
const PreTokenizerSpec* find_pre_tokenizer(std::string_view name);

// Every row, for tests.
std::span<const PreTokenizerSpec> pre_tokenizers();

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_PRE_TOKENIZER_TABLE_H_
