#include "daemon/auditor/report_check.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "daemon/audit/records/body_schema.h"
#include "daemon/auditor/limits.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/hex.h"
#include "provisioning/json_fields.h"
#include "provisioning/sha256.h"

namespace daemon_auditor {
namespace {

using base::Json;
using base::Status;
using daemon_audit::Reporter;

// What comes over the channel fits into a record, and the other way round.
static_assert(daemon_ipc::kRecordBodyBytesMax == daemon_audit::kRecordBodyBytesMax);

Status check_type(Reporter reporter, std::string_view type) {
  const daemon_audit::EventType* event = daemon_audit::find_event_type(type);
  if (event != nullptr && event->reporter == reporter) return {};
  return base::invalid_input(fmt::format("append.type: {} is not for the {} to report",
                                         provisioning::quoted(type),
                                         daemon_audit::reporter_name(reporter)));
}

// Only the members that records of this type have; and since the record's text is canonical,
// nothing that has no such text. Here it still has a writer to blame.
base::Result<Json> parse_body(std::string_view type, std::string_view text) {
  Json body = TRY(Json::parse(text, {.bytes_max = daemon_audit::kRecordBodyBytesMax,
                                     .depth_max = kBodyDepthMax,
                                     .values_max = kBodyValuesMax})
                      .context("append.body"));
  if (!body.is_object()) {
    return base::invalid_input(
        fmt::format("append.body: wants an object, is {}", body.type_name()));
  }
  TRY(daemon_audit::check_body(type, body).context("append.body"));
  const std::string canonical = TRY(base::canonical_json(body).context("append.body"));
  if (canonical.size() <= daemon_audit::kRecordBodyBytesMax) return body;
  return base::exhausted(fmt::format("append.body: {} bytes as canonical JSON, at most {} allowed",
                                     canonical.size(), daemon_audit::kRecordBodyBytesMax));
}

// Which admission an end belongs to is ours to say: the log's pairs do not rest on the gateway's
// word.
Status check_pairing(std::string_view type, const Json& body) {
  if (type != "request.finished" || body.find("admitted") == nullptr) return {};
  return base::invalid_input("append.body.admitted: is not for the gateway to report");
}

Status check_sealed(const Json& body, std::string_view sealed) {
  const Json* told = body.find("sealed");
  if (told == nullptr && sealed.empty()) return {};
  if (sealed.empty()) return base::invalid_input("append.body.sealed: no sealed text came with it");
  if (told == nullptr || !told->is_object())
    return base::invalid_input("append.body.sealed: missing, and a sealed text came");
  const Json* const digest = told->find("digest");
  const Json* const bytes = told->find("bytes");
  const std::string actual = base::to_hex(provisioning::sha256(sealed));
  if (digest == nullptr || !digest->is_string() || digest->as_string() != actual)
    return base::invalid_input("append.body.sealed.digest: not that of the sealed text");
  if (bytes == nullptr || !bytes->is_int() ||
      bytes->as_int() != static_cast<std::int64_t>(sealed.size())) {
    return base::invalid_input("append.body.sealed.bytes: not those of the sealed text");
  }
  return {};
}

}  // namespace

base::Result<daemon_audit::Report> check_report(Reporter reporter, std::uint64_t writer,
                                                const daemon_ipc::Append& append,
                                                std::string sealed) {
  TRY(check_type(reporter, append.type));
  daemon_audit::Report report;
  report.body = TRY(parse_body(append.type, append.body));
  TRY(check_pairing(append.type, report.body));
  TRY(check_sealed(report.body, sealed));
  report.writer = writer;
  report.number = append.number;
  report.reporter = reporter;
  report.type = append.type;
  report.prove = append.prove;
  report.sealed = std::move(sealed);
  return report;
}

}  // namespace daemon_auditor
