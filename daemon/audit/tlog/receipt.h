// What a client keeps of an answer: the record of its request, the proof that the log has it, and
// the salt that lets it compare what it sent and got with the record's digests
// (daemon/audit/RECORDS.md section 4). To check it takes the log's key and nothing of the
// appliance.
//
//   {"format":"redoubt-receipt/1","proof":"<tlog-proof>","record":"<record>","salt":"<64 hex>"}
#ifndef DAEMON_AUDIT_TLOG_RECEIPT_H_
#define DAEMON_AUDIT_TLOG_RECEIPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/audit/seal/salt.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/note.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::string_view kReceiptFormat = "redoubt-receipt/1";
inline constexpr std::string_view kReceiptMember = "redoubt_receipt";  // of an answer
inline constexpr std::size_t kReceiptProofBytesMax = 65'536;
inline constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 20;

struct Receipt {
  std::string record;
  std::string proof;
  std::optional<Salt> salt;

  base::Json json() const;
  std::string serialize() const;  // canonical JSON and a newline
  static base::Result<Receipt> from_json(const base::Json& json);
  // A receipt, or the HTTP answer it came with.
  static base::Result<Receipt> parse(std::string_view text);
};

// A record that stands where its proof says.
struct ProvenRecord {
  Checkpoint checkpoint;
  std::uint64_t index = 0;
  base::Json record;
};
// The proof is of this record, the record is canonical JSON and says the same index. With a null
// `log` no signature is looked at, so that anybody may have made it all. kDenied, kInvalidInput.
base::Result<ProvenRecord> check_record(std::string_view record, std::string_view proof,
                                        const VerifierKey* log);

// Compares with the record of an admission or a completion. kNotFound: it has no such digest;
// kDenied: another body, another text.
base::Status check_request_body(const base::Json& record, const Salt& salt, std::string_view body);
// `answer` is the text of one choice, or a whole HTTP answer whose choices must be the record's, no
// more and no fewer.
base::Status check_answer(const base::Json& record, const Salt& salt, std::string_view answer);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_RECEIPT_H_
