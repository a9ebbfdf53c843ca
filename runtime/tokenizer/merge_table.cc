#include "runtime/tokenizer/merge_table.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <span>

#include "hardening/base/secret.h"

namespace runtime {
namespace {

constexpr Symbol kEmpty = -1;
constexpr Symbol kMergedAway = -1;
constexpr std::uint32_t kNowhere = UINT32_MAX;

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges)
    : slots_(std::bit_ceil(2 * merges.size() + 2), Merge{kEmpty, kEmpty, kEmpty, 0}) {
  base::fill_random(std::as_writable_bytes(std::span(seeds_)));
  seeds_[1] |= 1;
  for (const Merge& merge : merges) {
    std::size_t slot = home(merge.left, merge.right);
    while (slots_[slot].left != kEmpty &&
           (slots_[slot].left != merge.left || slots_[slot].right != merge.right)) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    if (slots_[slot].left == kEmpty) slots_[slot] = merge;
  }
}

std::size_t MergeTable::home(Symbol left, Symbol right) const {
  std::uint64_t mixed =
      (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
  mixed = (mixed ^ seeds_[0]) *
          0x9E3779B97F4A7C15;  // 2^64 divided by the golden ratio (Knuth, TAOCP 6.4)
  mixed = (mixed ^ (mixed >> 32)) * seeds_[1];
  return static_cast<std::size_t>(mixed >> 32) & (slots_.size() - 1);
}

const MergeTable::Merge* MergeTable::find(Symbol left, Symbol right) const {
  for (std::size_t slot = home(left, right); slots_[slot].left != kEmpty;
       slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot].left == left && slots_[slot].right == right) return &slots_[slot];
  }
  return nullptr;
}

void SymbolMerger::offer(std::uint32_t left, const std::vector<Symbol>& symbols) {
  if (left == kNowhere || links_[left].next == kNowhere) return;
  const MergeTable::Merge* merge = table_.find(symbols[left], symbols[links_[left].next]);
  if (merge == nullptr) return;
  queue_.push_back((std::uint64_t{merge->rank} << 32) | left);
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void SymbolMerger::merge(std::vector<Symbol>& symbols) {
  if (symbols.size() < 2) return;
  const auto count = static_cast<std::uint32_t>(symbols.size());
  links_.resize(count);
  queue_.clear();
  for (std::uint32_t i = 0; i < count; ++i)
    links_[i] = {i == 0 ? kNowhere : i - 1, i + 1 == count ? kNowhere : i + 1};
  for (std::uint32_t i = 0; i < count; ++i) offer(i, symbols);

  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const auto rank = static_cast<std::uint32_t>(queue_.back() >> 32);
    const auto left = static_cast<std::uint32_t>(queue_.back());
    queue_.pop_back();
    const std::uint32_t right = links_[left].next;
    if (symbols[left] == kMergedAway || right == kNowhere) continue;
    // What was offered may have been merged otherwise since; of the same rank, the pair standing
    // here now is as good as the one that was offered.
    const MergeTable::Merge* merge = table_.find(symbols[left], symbols[right]);
    if (merge == nullptr || merge->rank != rank) continue;
    symbols[left] = merge->merged;
    symbols[right] = kMergedAway;
    links_[left].next = links_[right].next;
    if (links_[left].next != kNowhere) links_[links_[left].next].previous = left;
    offer(links_[left].previous, symbols);
    offer(left, symbols);
  }
  std::erase(symbols, kMergedAway);
}

}  // namespace runtime
