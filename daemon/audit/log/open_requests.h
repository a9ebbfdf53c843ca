// Which requests were admitted and have not ended: what request.lost is for.
#ifndef DAEMON_AUDIT_LOG_OPEN_REQUESTS_H_
#define DAEMON_AUDIT_LOG_OPEN_REQUESTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/audit/log/journal_format.h"
#include "hardening/base/json.h"

namespace daemon_audit {

class OpenRequests {
 public:
  OpenRequests() = default;
  explicit OpenRequests(const std::vector<OpenRequest>& requests);

  // What the record `index` of that writer means for them. Saying it again changes nothing.
  void note(std::uint64_t writer, std::uint64_t index, std::string_view type,
            const base::Json& body);

  // The index of its admission, while it is open.
  std::optional<std::uint64_t> find(std::uint64_t writer, const std::string& id) const;

  std::size_t size() const { return by_index_.size(); }
  std::vector<OpenRequest> all() const;  // oldest first
  std::vector<OpenRequest> of(std::uint64_t writer) const;
  std::vector<OpenRequest> oldest(std::size_t count) const;

 private:
  void open(std::uint64_t writer, std::uint64_t index, const std::string& id);
  void close(std::uint64_t writer, const std::string& id);
  void lose(std::uint64_t index);

  std::map<std::uint64_t, OpenRequest> by_index_;
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> by_id_;
};

// The body of a request.lost.
base::Json lost_body(const OpenRequest& request);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_OPEN_REQUESTS_H_
