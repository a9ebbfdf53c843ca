// A log's directory as its writer leaves it after a clean stop: key, checkpoint, tiles, bundles.
// Made from the formats alone (daemon/audit/LOG.md), at most 65,536 records.
#ifndef TESTS_DAEMON_CLI_WRITTEN_LOG_H_
#define TESTS_DAEMON_CLI_WRITTEN_LOG_H_

#include <string>
#include <vector>

#include "daemon/audit/tlog/note.h"
#include "hardening/base/fd.h"

namespace daemon_cli {

struct WrittenLog {
  std::string directory;  // removed at the end
  daemon_audit::VerifierKey key;

  explicit WrittenLog(const std::vector<std::string>& records);
  WrittenLog(const WrittenLog&) = delete;
  WrittenLog& operator=(const WrittenLog&) = delete;
  ~WrittenLog();

  base::Fd open() const;
};

}  // namespace daemon_cli

#endif  // TESTS_DAEMON_CLI_WRITTEN_LOG_H_
