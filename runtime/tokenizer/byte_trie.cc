#include "runtime/tokenizer/byte_trie.h"

#include <algorithm>

#include "hardening/base/check.h"

namespace runtime {
namespace {

// Entries [begin, end) share the first `depth` bytes, which lead to `node`.
struct Span {
  std::uint32_t node;
  std::size_t begin;
  std::size_t end;
  std::size_t depth;
};

}  // namespace

ByteTrie::ByteTrie(std::vector<Entry> entries) : root_children_(256, kNoNode) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const int order = a.key.compare(b.key);
    return order != 0 ? order < 0 : a.value < b.value;
  });
  nodes_.emplace_back();
  std::vector<Span> pending = {{0, 0, entries.size(), 0}};
  while (!pending.empty()) {
    Span span = pending.back();
    pending.pop_back();
    if (span.begin < span.end && entries[span.begin].key.size() == span.depth) {
      nodes_[span.node].value = entries[span.begin].value;
      while (span.begin < span.end && entries[span.begin].key.size() == span.depth) ++span.begin;
    }
    nodes_[span.node].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (span.begin < span.end) {
      const char byte = entries[span.begin].key[span.depth];
      std::size_t end = span.begin + 1;
      while (end < span.end && entries[end].key[span.depth] == byte) ++end;
      pending.push_back(
          {static_cast<std::uint32_t>(nodes_.size()), span.begin, end, span.depth + 1});
      nodes_.emplace_back().byte = static_cast<unsigned char>(byte);
      ++nodes_[span.node].children;
      span.begin = end;
    }
  }
  CHECK(nodes_[0].value == kNoValue);
  for (std::uint32_t i = 0; i < nodes_[0].children; ++i) {
    const std::uint32_t node = nodes_[0].first_child + i;
    root_children_[nodes_[node].byte] = node;
  }
}

std::uint32_t ByteTrie::child(std::uint32_t node, unsigned char byte) const {
  if (node == 0) return root_children_[byte];
  const Node& parent = nodes_[node];
  const auto begin = nodes_.begin() + parent.first_child;
  const auto end = begin + parent.children;
  const auto found =
      std::lower_bound(begin, end, byte, [](const Node& a, unsigned char b) { return a.byte < b; });
  if (found == end || found->byte != byte) return kNoNode;
  return static_cast<std::uint32_t>(found - nodes_.begin());
}

std::int32_t ByteTrie::find(std::string_view key) const {
  std::uint32_t node = 0;
  for (const char byte : key) {
    node = child(node, static_cast<unsigned char>(byte));
    if (node == kNoNode) return kNoValue;
  }
  return nodes_[node].value;
}

ByteTrie::Match ByteTrie::longest_prefix(std::string_view text) const {
  Match longest;
  each_prefix(text, [&longest](std::size_t bytes, std::int32_t value) {
    longest = {value, bytes};
  });
  return longest;
}

}  // namespace runtime
