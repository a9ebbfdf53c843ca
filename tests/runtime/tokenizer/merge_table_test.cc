#include "runtime/tokenizer/merge_table.h"

#include <gtest/gtest.h>

#include <random>

namespace runtime {
namespace {

using Merge = MergeTable::Merge;
using Symbols = std::vector<Symbol>;

Symbols merged(const std::vector<Merge>& merges, Symbols symbols) {
  const MergeTable table(merges);
  SymbolMerger(table).merge(symbols);
  return symbols;
}

// The definition, step by step.
Symbols merged_slowly(const std::vector<Merge>& merges, Symbols symbols) {
  const MergeTable table(merges);
  while (true) {
    const Merge* best = nullptr;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge* merge = table.find(symbols[i], symbols[i + 1]);
      if (merge == nullptr || (best != nullptr && merge->rank >= best->rank)) continue;
      best = merge;
      place = i;
    }
    if (best == nullptr) return symbols;
    symbols[place] = best->merged;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(SymbolMerger, MergesTheLowestRankFirst) {
  EXPECT_EQ(merged({{1, 2, 10, 5}, {2, 3, 11, 4}}, {1, 2, 3}), (Symbols{1, 11}));
  EXPECT_EQ(merged({{1, 2, 10, 4}, {2, 3, 11, 5}}, {1, 2, 3}), (Symbols{10, 3}));
}

TEST(SymbolMerger, MergesTheLeftmostOfEqualRanks) {
  EXPECT_EQ(merged({{1, 1, 10, 0}}, {1, 1, 1}), (Symbols{10, 1}));
  EXPECT_EQ(merged({{1, 2, 10, 3}, {2, 1, 11, 3}}, {2, 1, 2}), (Symbols{11, 2}));
}

TEST(SymbolMerger, MergesWhatWasMerged) {
  EXPECT_EQ(merged({{1, 1, 2, 0}, {2, 2, 3, 1}, {3, 3, 4, 2}}, Symbols(9, 1)), (Symbols{4, 1}));
}

TEST(SymbolMerger, LeavesShortAndStrangeSequencesAlone) {
  EXPECT_EQ(merged({{1, 2, 3, 0}}, {}), Symbols{});
  EXPECT_EQ(merged({{1, 2, 3, 0}}, {1}), Symbols{1});
  EXPECT_EQ(merged({{1, 2, 3, 0}}, {1, kNothing, 2}), (Symbols{1, kNothing, 2}));
  EXPECT_EQ(merged({}, {1, 2}), (Symbols{1, 2}));
}

TEST(SymbolMerger, AgreesWithTheDefinition) {
  constexpr unsigned kSeed = 20240917;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    std::vector<Merge> merges;
    const int symbols_known = 3 + static_cast<int>(random() % 5);
    for (int i = 0; i < 20; ++i) {
      const int limit = symbols_known + i;
      merges.push_back({static_cast<Symbol>(random()) % limit & 31,
                        static_cast<Symbol>(random() % 8), limit,
                        static_cast<std::uint32_t>(random() % 12)});
      if (merges.back().left < 0) merges.back().left = 0;
    }
    Symbols symbols(random() % 40);
    for (Symbol& symbol : symbols)
      symbol = static_cast<Symbol>(random() % static_cast<unsigned>(symbols_known));
    EXPECT_EQ(merged(merges, symbols), merged_slowly(merges, symbols))
        << "round " << round << " of seed " << kSeed;
  }
}

TEST(MergeTable, KeepsTheFirstOfEqualPairs) {
  const MergeTable table({{1, 2, 10, 0}, {1, 2, 11, 1}});
  ASSERT_NE(table.find(1, 2), nullptr);
  EXPECT_EQ(table.find(1, 2)->merged, 10);
  EXPECT_EQ(table.find(2, 1), nullptr);
}

TEST(MergeTable, FindsAllOfMany) {
  std::vector<Merge> merges;
  for (Symbol i = 0; i < 20000; ++i)
    merges.push_back({i, i / 7, i + 1, static_cast<std::uint32_t>(i)});
  const MergeTable table(merges);
  for (const Merge& merge : merges) {
    ASSERT_NE(table.find(merge.left, merge.right), nullptr);
    EXPECT_EQ(table.find(merge.left, merge.right)->merged, merge.merged);
  }
  EXPECT_EQ(table.find(20001, 0), nullptr);
}

}  // namespace
}  // namespace runtime
