// What readers are shown: partial tiles, the partial bundle, and the checkpoint over them.
#ifndef DAEMON_AUDIT_LOG_PUBLISHER_H_
#define DAEMON_AUDIT_LOG_PUBLISHER_H_

#include <cstdint>
#include <set>
#include <string>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_tail.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/result.h"

namespace daemon_audit {

class Publisher {
 public:
  explicit Publisher(LogDirectory& directory) : directory_(directory) {}

  // What a former process has published; with its partial files, those included that it did not
  // come to remove. Lists directories: the last ones of each level.
  base::Status resume(std::uint64_t published_size, std::uint64_t size);

  // Requires that all full tiles of `tail` are written. `durable`: all of it is synced on return.
  base::Status publish(const LogTail& tail, const std::string& checkpoint, bool durable);
  std::uint64_t published_size() const { return published_size_; }

 private:
  base::Status write_partials(const LogTail& tail, LogDirectory::Sync sync);
  void remove_superseded(const LogTail& tail, bool durable);
  base::Status find_partials(bool entries, std::uint32_t level, std::uint64_t number);

  LogDirectory& directory_;
  std::uint64_t published_size_ = 0;
  bool durable_ = false;         // what is published is
  std::set<TileName> partials_;  // on disk
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_PUBLISHER_H_
