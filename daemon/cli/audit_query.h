// What the verbs that read the log share: which log, which of its records, and going through them.
#ifndef DAEMON_CLI_AUDIT_QUERY_H_
#define DAEMON_CLI_AUDIT_QUERY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/records/record_filter.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/command.h"
#include "hardening/base/result.h"

namespace daemon_cli {

// Options as they were given.
struct AuditQuery {
  AuditSource source;
  std::string from;
  std::string to;
  std::vector<std::string> types;
  std::string key;
  std::string tag;
  std::string request;
  std::string outcome;

  void add_times_to(Command& verb);    // --from, --to
  void add_filters_to(Command& verb);  // --type, --key, --tag, --request, --outcome
  // kInvalidInput names the option.
  base::Result<daemon_audit::RecordFilter> filter() const;
};

// A snapshot of a log whose newest checkpoint its own key has signed, and the root of whose tree is
// the checkpoint's. That is what a look costs nothing to check; all of it: redoubt audit verify.
class OpenedLog {
 public:
  // kDenied says what does not hold.
  static base::Result<OpenedLog> open(const AuditSource& source);

  const daemon_audit::LogReader& reader() const { return reader_; }
  // What was read, for people: "origin: records 0 to 41 of a log that is being written".
  std::string describe() const;

  // Each record from index `from` on that the filter wants, in order, until `visit` says false or
  // fails. kCorrupt names the index of what is no record, or not the one whose hash is in the tree,
  // wanted or not.
  using Visit = std::function<base::Result<bool>(const daemon_audit::Record& record,
                                                 const std::string& text)>;
  base::Status for_each(std::uint64_t from, const daemon_audit::RecordFilter& filter,
                        const Visit& visit) const;

 private:
  OpenedLog(daemon_audit::LogReader reader, bool live) : reader_(std::move(reader)), live_(live) {}

  daemon_audit::LogReader reader_;
  bool live_;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_AUDIT_QUERY_H_
