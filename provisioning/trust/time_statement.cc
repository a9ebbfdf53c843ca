#include "provisioning/trust/time_statement.h"

#include "hardening/base/json.h"
#include "provisioning/json_fields.h"
#include "provisioning/trust/document_fields.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

constexpr std::string_view kType = "redoubt-time";

}  // namespace

base::Result<std::string> serialize_time_statement(std::int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds > kUtcTimeMax)
    return base::invalid_input("a time outside 1970 to 9999");
  return base::Json::object(
             {{"type", kType}, {"format", 1}, {"time", format_utc_time(unix_seconds)}})
      .dump();
}

base::Result<std::int64_t> open_time_statement(std::string_view envelope_text,
                                               const TrustRoot& root) {
  const Dsse envelope = TRY(parse_dsse(envelope_text, kTimePayloadType, kTimeStatementBytesMax)
                                .context("time statement"));
  if (!root.time) return base::denied("time statement: the trust root lets nobody state the time");
  TRY(check_signatures(envelope, root, *root.time).context("time statement"));
  const base::Json document =
      TRY(parse_document(envelope.payload, kType,
                         {.bytes_max = kTimeStatementBytesMax, .depth_max = 2, .values_max = 8}));
  TRY(only_members(document, {"type", "format", "time"}, kType));
  return time_member(document, "time", kType);
}

}  // namespace provisioning
