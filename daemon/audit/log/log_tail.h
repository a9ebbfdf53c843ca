// The growing end of the log in memory: the tree's edge and the last, partial bundle.
#ifndef DAEMON_AUDIT_LOG_LOG_TAIL_H_
#define DAEMON_AUDIT_LOG_LOG_TAIL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/audit/tlog/tree.h"

namespace daemon_audit {

// A bundle that is complete, and the tiles that became full with it.
struct FullBundle {
  std::uint64_t number = 0;
  std::vector<std::string> entries;                        // 256
  std::vector<std::pair<std::string, std::string>> tiles;  // path and bytes, lowest level first
};

class LogTail {
 public:
  LogTail() = default;
  // `edge` is over whole bundles and these entries, fewer than 256.
  LogTail(TreeEdge edge, std::vector<std::string> entries)
      : edge_(std::move(edge)), entries_(std::move(entries)) {}

  std::optional<FullBundle> add(std::string record);

  const TreeEdge& edge() const { return edge_; }
  std::uint64_t size() const { return edge_.size(); }
  // Of the bundle being filled: size() % 256 of them.
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  TreeEdge edge_;
  std::vector<std::string> entries_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_LOG_TAIL_H_
