// Finds the strings of a fixed set that begin at a place in a text.
//
// Built from the sorted set, so that neither its building nor its use depends on a hash that a
// hostile vocabulary could attack: both take time proportional to the bytes looked at.
#ifndef RUNTIME_TOKENIZER_BYTE_TRIE_H_
#define RUNTIME_TOKENIZER_BYTE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace runtime {

class ByteTrie {
 public:
  static constexpr std::int32_t kNoValue = -1;

  struct Entry {
    std::string_view key;    // not empty; need not outlive the constructor
    std::int32_t value = 0;  // at least 0
  };
  struct Match {
    std::int32_t value = kNoValue;
    std::size_t bytes = 0;
  };

  // Of equal keys the one with the lowest value stays.
  explicit ByteTrie(std::vector<Entry> entries);

  // The value of this very key, or kNoValue.
  std::int32_t find(std::string_view key) const;

  // The longest key that `text` begins with.
  Match longest_prefix(std::string_view text) const;

  // Calls visit(bytes, value) for each key that `text` begins with, the shortest first.
  template <typename Visit>
  void each_prefix(std::string_view text, Visit visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == kNoNode) return;
      if (nodes_[node].value != kNoValue) visit(i + 1, nodes_[node].value);
    }
  }

 private:
  static constexpr std::uint32_t kNoNode = UINT32_MAX;

  struct Node {
    std::uint32_t first_child = 0;
    std::int32_t value = kNoValue;
    std::uint16_t children = 0;  // children stand side by side, by ascending byte
    unsigned char byte = 0;
  };

  std::uint32_t child(std::uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> root_children_;  // by byte: most searches end here
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_BYTE_TRIE_H_
