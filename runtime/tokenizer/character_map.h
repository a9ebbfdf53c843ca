// SentencePiece's "precompiled_charsmap": which beginnings of a text are replaced by what, for
// normalisation.
//
// The blob is a byte count (32 bits), a double-array trie of that many bytes, and the replacements,
// each ended by a zero byte. A node of the trie is 32 bits (darts-clone, "unit"): bits 0-7 the byte
// that leads to it and bit 31 zero; bit 8 whether a key ends here; bits 10-30 the offset to its
// children, to be shifted left by 8 where bit 9 is set. The node at offset + byte 0 of a key's end
// holds, with bit 31 set, the replacement's place.
#ifndef RUNTIME_TOKENIZER_CHARACTER_MAP_H_
#define RUNTIME_TOKENIZER_CHARACTER_MAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace runtime {

class CharacterMap {
 public:
  struct Replacement {
    std::size_t bytes;      // of the text that are replaced, at least one
    std::string_view with;  // lives as long as the map
  };

  // An empty blob is a map that replaces nothing.
  static base::Result<CharacterMap> create(std::string_view blob);

  // The longest beginning of `text` that is replaced. Nodes that lead out of the array have no
  // children.
  std::optional<Replacement> find(std::string_view text) const;

 private:
  std::vector<std::uint32_t> nodes_;
  std::string replacements_;  // ends with a zero byte
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_CHARACTER_MAP_H_
