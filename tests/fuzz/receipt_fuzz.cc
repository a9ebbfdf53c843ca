// A receipt from anywhere: what parses is written to a text that says the same, and no key of ours
// has signed it. The same bytes are an answer that somebody claims to have got.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/tlog/receipt.h"
#include "hardening/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto kRecord = base::Json::parse(
      R"({"body":{"body":{"digest":"00"},"choices":[{"index":0,"text_digest":"00"}]}})");
  if (daemon_audit::check_answer(kRecord.value(), {}, text).ok()) std::abort();
  if (daemon_audit::check_request_body(kRecord.value(), {}, text).ok()) std::abort();
  const auto receipt = daemon_audit::Receipt::parse(text);
  if (!receipt.ok()) return 0;
  const std::string once = receipt.value().serialize();
  const auto again = daemon_audit::Receipt::parse(once);
  if (!again.ok() || again.value().serialize() != once) std::abort();
  static const auto kNobody = daemon_audit::SignerKey::generate("redoubt/fuzz");
  const auto& receipt_value = receipt.value();
  if (daemon_audit::check_record(receipt_value.record, receipt_value.proof,
                                 &kNobody.value().verifier())
          .ok()) {
    std::abort();
  }
  const auto proven =
      daemon_audit::check_record(receipt_value.record, receipt_value.proof, nullptr);
  if (!proven.ok()) return 0;
  (void)daemon_audit::check_answer(proven.value().record, {}, text);
  (void)daemon_audit::check_request_body(proven.value().record, {}, text);
  return 0;
}
