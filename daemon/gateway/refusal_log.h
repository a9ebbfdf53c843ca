// Who was refused, for the audit log: one by one as long as that is rare, counted per key and per
// address where it is not, so that nobody can fill the disk by being refused
// (daemon/audit/RECORDS.md section 1). A value: time is passed in.
#ifndef DAEMON_GATEWAY_REFUSAL_LOG_H_
#define DAEMON_GATEWAY_REFUSAL_LOG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/gateway/audit_report.h"
#include "daemon/gateway/client_peer.h"

namespace daemon_gateway {

struct Refusal {
  enum class Kind : std::uint8_t { kRequest, kAuth };
  Kind kind = Kind::kRequest;
  ClientPeer client;
  std::string method;
  std::string endpoint;
  std::string request = {};  // kRequest: our id, the key's, and what the client was told
  std::string key = {};
  int status = 0;
  std::string code = {};
  std::string reason = {};  // kAuth: "missing", "malformed", "unknown"
};

class RefusalLog {
 public:
  static constexpr std::uint32_t kBurst =
      20;  // of each kind, written one by one; one more a second
  static constexpr std::int64_t kCountNs = 10'000'000'000;

  // The record of this refusal, or nothing where it is only counted: too many, or `usable` is false
  // and nothing can be written now.
  std::optional<AuditReport> add(Refusal refusal, std::int64_t now_ns, bool usable);

  // The counts that are ten seconds old, or all; they begin anew.
  std::vector<AuditReport> take_due(std::int64_t now_ns);
  std::vector<AuditReport> take_all();

  bool empty() const { return sources_.empty(); }

 private:
  struct Bucket {
    double tokens = kBurst;
    std::int64_t filled_ns = 0;
  };
  struct Counted {
    Refusal latest;
    std::uint64_t count = 0;
    std::int64_t since_ns = 0;
  };
  using Source = std::pair<Refusal::Kind, std::string>;  // the key, or the address

  bool spend(Bucket& bucket, std::int64_t now_ns);
  std::vector<AuditReport> take(std::int64_t begun_by_ns);

  std::array<Bucket, 2> buckets_;  // by kind: the nameless must not silence those with a key
  std::map<Source, Counted> sources_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_REFUSAL_LOG_H_
