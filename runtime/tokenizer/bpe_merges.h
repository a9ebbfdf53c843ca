// The merges a BPE vocabulary lists as texts, as a table over symbols.
#ifndef RUNTIME_TOKENIZER_BPE_MERGES_H_
#define RUNTIME_TOKENIZER_BPE_MERGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/merge_table.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

// `find_symbol` takes a text and gives its symbol, or -1. A merge of or to something that is no
// symbol cannot happen and is left out. `vocabulary` has passed check_vocabulary().
template <typename FindSymbol>
MergeTable bpe_merges(const Vocabulary& vocabulary, FindSymbol find_symbol) {
  std::vector<MergeTable::Merge> merges;
  merges.reserve(vocabulary.merges.size());
  std::string joined;
  for (std::size_t i = 0; i < vocabulary.merges.size(); ++i) {
    const std::string_view line = vocabulary.merges[i];
    const std::size_t space = line.find(' ', 1);
    joined.assign(line.substr(0, space)).append(line.substr(space + 1));
    const MergeTable::Merge merge{find_symbol(line.substr(0, space)),
                                  find_symbol(line.substr(space + 1)), find_symbol(joined),
                                  static_cast<std::uint32_t>(i)};
    if (merge.left >= 0 && merge.right >= 0 && merge.merged >= 0) merges.push_back(merge);
  }
  return MergeTable(merges);
}

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_BPE_MERGES_H_
