// One event on its way into the audit log (daemon/audit/RECORDS.md): made by whoever saw it,
// numbered and kept by the AuditSink.
#ifndef DAEMON_GATEWAY_AUDIT_REPORT_H_
#define DAEMON_GATEWAY_AUDIT_REPORT_H_

#include <string>

namespace daemon_gateway {

struct AuditReport {
  std::string type;         // "request.admitted"
  std::string body;         // a JSON object, at most daemon_ipc::kRecordBodyBytesMax
  std::string sealed = {};  // the sealed text that belongs to it; empty: none
  bool prove = false;       // a proof is wanted
  bool ends = false;        // ends what was admitted: is taken however much is kept already
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_AUDIT_REPORT_H_
