// The tree as RFC 6962 section 2.1 defines it, recursion for recursion: slow, and plain to read
// against the text.
#ifndef TESTS_DAEMON_AUDIT_TLOG_NAIVE_TREE_H_
#define TESTS_DAEMON_AUDIT_TLOG_NAIVE_TREE_H_

#include <span>
#include <string>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "daemon/audit/tlog/tree.h"

namespace daemon_audit {

using LeafHashes = std::span<const Hash>;

inline std::size_t naive_split(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

inline Hash naive_root(LeafHashes d) {
  if (d.empty()) return hash_empty_tree();
  if (d.size() == 1) return d[0];
  const std::size_t k = naive_split(d.size());
  return hash_node(naive_root(d.first(k)), naive_root(d.subspan(k)));
}

inline std::vector<Hash> naive_path(std::size_t m, LeafHashes d) {
  if (d.size() == 1) return {};
  const std::size_t k = naive_split(d.size());
  auto path = m < k ? naive_path(m, d.first(k)) : naive_path(m - k, d.subspan(k));
  path.push_back(naive_root(m < k ? d.subspan(k) : d.first(k)));
  return path;
}

inline std::vector<Hash> naive_subproof(std::size_t m, LeafHashes d, bool whole) {
  if (m == d.size()) return whole ? std::vector<Hash>{} : std::vector<Hash>{naive_root(d)};
  const std::size_t k = naive_split(d.size());
  auto proof =
      m <= k ? naive_subproof(m, d.first(k), whole) : naive_subproof(m - k, d.subspan(k), false);
  proof.push_back(naive_root(m <= k ? d.subspan(k) : d.first(k)));
  return proof;
}

inline std::vector<Hash> make_leaves(std::size_t count) {
  std::vector<Hash> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    leaves.push_back(hash_leaf("record " + std::to_string(i)));
  }
  return leaves;
}

// All complete subtrees of the leaves, which outlive nothing: they are copied level by level.
inline HashReader reader_over(const std::vector<Hash>& leaves) {
  std::vector<std::vector<Hash>> levels{leaves};
  while (levels.back().size() > 1) {
    const auto& below = levels.back();
    std::vector<Hash> above;
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) {
      above.push_back(hash_node(below[i], below[i + 1]));
    }
    levels.push_back(std::move(above));
  }
  return [levels = std::move(levels)](std::uint32_t level,
                                      std::uint64_t number) -> base::Result<Hash> {
    if (level >= levels.size() || number >= levels[level].size()) {
      return base::not_found("no such subtree");
    }
    return levels[level][number];
  };
}

}  // namespace daemon_audit

#endif  // TESTS_DAEMON_AUDIT_TLOG_NAIVE_TREE_H_
