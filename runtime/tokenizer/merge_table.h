// Which two neighbouring symbols become one, and in which order: the heart of BPE and of SPM alike.
//
// A symbol is a token id, or a number from the vocabulary's size on for a character or byte that is
// part of tokens without being one itself.
#ifndef RUNTIME_TOKENIZER_MERGE_TABLE_H_
#define RUNTIME_TOKENIZER_MERGE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace runtime {

using Symbol = std::int32_t;

// Stands for what has no token: merges with nothing, so that it keeps its neighbours apart, and is
// left out of what is put in the end.
inline constexpr Symbol kNothing = INT32_MAX;

class MergeTable {
 public:
  struct Merge {
    Symbol left = 0;
    Symbol right = 0;
    Symbol merged = 0;
    std::uint32_t rank = 0;  // the lowest is merged first
  };

  // Of merges with equal left and right the first one stays.
  explicit MergeTable(const std::vector<Merge>& merges);

  // Null when the two do not merge. Lives as long as the table.
  const Merge* find(Symbol left, Symbol right) const;

 private:
  std::size_t home(Symbol left, Symbol right) const;

  // Open addressing. The hash is seeded at random: a vocabulary cannot aim for its collisions.
  std::vector<Merge> slots_;  // left is -1 where empty
  std::uint64_t seeds_[2];
};

// Applies the merges of a table to one word or text at a time; keeps its memory between them.
// Belongs to one thread.
class SymbolMerger {
 public:
  // `table` outlives the merger.
  explicit SymbolMerger(const MergeTable& table) : table_(table) {}

  // Merges until no two neighbours do: always the pair of lowest rank, of equals the leftmost.
  // O(n log n) for n symbols.
  void merge(std::vector<Symbol>& symbols);

 private:
  struct Link {
    std::uint32_t previous;
    std::uint32_t next;
  };

  void offer(std::uint32_t left, const std::vector<Symbol>& symbols);

  const MergeTable& table_;
  std::vector<Link> links_;
  std::vector<std::uint64_t>
      queue_;  // a heap of rank and position of the left symbol, the lowest on top
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_MERGE_TABLE_H_
