#include "daemon/supervisor/audit_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "daemon/audit/records/body_schema.h"
#include "daemon/audit/records/record.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/secret.h"

namespace daemon_supervisor {
namespace {

// What survives the way through JSON readers of every kind (RFC 8785 section 3.2.2.3).
constexpr std::int64_t kIntegerMax = (std::int64_t{1} << 53) - 1;
constexpr base::JsonLimits kBodyLimits{std::size_t{1} << 18, daemon_audit::kRecordDepthMax - 1,
                                       4'096};
constexpr std::size_t kOpenBytesMax = 8'192;  // of a member whose contents others choose

void make_exact(base::Json& value) {
  const std::int64_t number = value.is_int() ? value.as_int() : 0;
  if (value.is_uint() || number > kIntegerMax || number < -kIntegerMax) {
    value = value.dump();
  } else if (value.is_double() && std::abs(value.as_double()) > static_cast<double>(kIntegerMax)) {
    value = value.dump();
  } else if (value.is_array()) {
    for (base::Json& element : value.as_array()) make_exact(element);
  } else if (value.is_object()) {
    for (auto& member : value.as_object()) make_exact(member.second);
  }
}

// A body of "health.changed".
std::string change(std::string_view what, std::string_view from, std::string_view to,
                   std::string_view why) {
  return base::Json::object({{"what", what}, {"from", from}, {"to", to}, {"why", why}}).dump();
}

}  // namespace

std::uint64_t make_writer(std::uint64_t other) {
  std::uint64_t writer = 0;
  while (writer == 0 || writer == other) {
    base::fill_random(std::as_writable_bytes(std::span(&writer, 1)));
    writer >>= 1;
  }
  return writer;
}

base::Result<std::string> fit_body(base::Json body) {
  make_exact(body);
  // Bytes that are not UTF-8 do not survive this.
  body = TRY(base::Json::parse(body.dump(), kBodyLimits));
  std::string text = TRY(base::canonical_json(body));
  if (text.size() <= daemon_ipc::kRecordBodyBytesMax) return text;
  for (auto& member : body.as_object()) {
    if (member.second.is_object() && member.second.dump().size() > kOpenBytesMax)
      member.second = base::Json::object({{"cut", true}});
  }
  text = TRY(base::canonical_json(body));
  if (text.size() > daemon_ipc::kRecordBodyBytesMax)
    return base::exhausted("longer than a record may be");
  return text;
}

std::uint64_t AuditWriter::report(std::string_view type, base::Json body) {
  if (kept_.size() + 1 >= kKeptMax || kept_bytes_ >= kKeptBytesMax) {
    ++dropped_;
    return 0;
  }
  if (dropped_ > 0) {
    keep("health.changed",
         change("audit", "recording", "recording",
                fmt::format("{} records of the supervisor were not kept: the audit log could not "
                            "be written for too long",
                            std::exchange(dropped_, 0))));
  }
  auto fits = daemon_audit::check_body(type, body);
  auto text = fits.ok() ? fit_body(std::move(body)) : std::move(fits).error();
  if (text.ok()) {
    keep(type, std::move(text).value());
  } else {  // ours to repair; the auditor would take it for a breach
    keep("health.changed", change("audit", type, "not recorded", text.error().message));
  }
  return through_ + kept_.size();
}

void AuditWriter::keep(std::string_view type, std::string body) {
  kept_bytes_ += body.size() + kOverheadBytes;
  kept_.push_back({std::string(type), std::move(body)});
}

void AuditWriter::restart() {
  introduced_ = false;
  sent_ = through_;
  sent_bytes_ = 0;
}

base::Status AuditWriter::appended(std::uint64_t through, std::int64_t now) {
  const std::uint64_t known_max = introduced_ ? sent_ : through_ + kept_.size();
  if (through < through_ || through > known_max) {
    return base::invalid_input(
        fmt::format("says that record {} is durable, of {} to {}", through, through_, known_max));
  }
  for (std::uint64_t number = through_; number < through; ++number) {
    kept_bytes_ -= kept_.front().body.size() + kOverheadBytes;
    if (number < sent_) sent_bytes_ -= kept_.front().body.size() + kOverheadBytes;
    kept_.pop_front();
  }
  through_ = through;
  owed_since_ = now;
  if (!introduced_) sent_ = through;
  introduced_ = true;
  return {};
}

void AuditWriter::send(const std::function<bool(const daemon_ipc::Append&)>& offer,
                       std::int64_t now) {
  if (!introduced_) return;
  while (sent_ < through_ + kept_.size() && sent_bytes_ < kSentBytesMax) {
    const Kept& next = kept_[static_cast<std::size_t>(sent_ - through_)];
    if (!offer({sent_ + 1, false, next.type, next.body})) return;
    if (sent_ == through_) owed_since_ = now;
    sent_bytes_ += next.body.size() + kOverheadBytes;
    ++sent_;
  }
}

}  // namespace daemon_supervisor
