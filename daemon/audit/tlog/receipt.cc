#include "daemon/audit/tlog/receipt.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/check.h"
#include "hardening/base/hex.h"

namespace daemon_audit {
namespace {

base::Result<std::string> text_member(const base::Json& json, std::string_view name,
                                      std::size_t bytes_max) {
  const base::Json* const member = json.find(name);
  if (member == nullptr || !member->is_string()) {
    return base::invalid_input(fmt::format("receipt: {} is not a text", name));
  }
  const std::string& text = member->as_string();
  if (text.empty() || text.size() > bytes_max) {
    return base::exhausted(
        fmt::format("receipt: {} of {} bytes, 1 to {} are allowed", name, text.size(), bytes_max));
  }
  return text;
}

base::Result<Salt> parse_salt(std::string_view text) {
  const auto bytes = TRY(base::from_hex(text).context("receipt: salt"));
  Salt salt;
  if (bytes.size() != salt.size()) {
    return base::invalid_input(fmt::format("receipt: the salt is not {} bytes", salt.size()));
  }
  std::copy(bytes.begin(), bytes.end(), salt.begin());
  return salt;
}

// Without the log's key: that the path leads to the root that the note names.
base::Result<Checkpoint> check_unsigned(const TlogProof& proof, std::string_view record) {
  const Note note = TRY(Note::parse(proof.checkpoint));
  Checkpoint checkpoint = TRY(Checkpoint::parse(note.text));
  TRY(check_inclusion(hash_leaf(record), proof.index, checkpoint.size, proof.path,
                      checkpoint.root));
  return checkpoint;
}

}  // namespace

base::Json Receipt::json() const {
  base::Json json =
      base::Json::object({{"format", kReceiptFormat}, {"proof", proof}, {"record", record}});
  if (salt) json.set("salt", base::to_hex(*salt));
  return json;
}

std::string Receipt::serialize() const {
  auto text = base::canonical_json(json());
  CHECK(text.ok());  // both texts are UTF-8: they were parsed
  return std::move(text).value() + '\n';
}

base::Result<Receipt> Receipt::from_json(const base::Json& json) {
  if (!json.is_object()) return base::invalid_input("receipt: not an object");
  for (const auto& [name, value] : json.as_object()) {
    if (name != "format" && name != "proof" && name != "record" && name != "salt") {
      return base::invalid_input("receipt: a member that is unknown here");
    }
  }
  const base::Json* const format = json.find("format");
  if (format == nullptr || *format != base::Json(kReceiptFormat)) {
    return base::unsupported(fmt::format("receipt: its format is not {}", kReceiptFormat));
  }
  Receipt receipt;
  receipt.record = TRY(text_member(json, "record", kEntryBytesMax));
  receipt.proof = TRY(text_member(json, "proof", kReceiptProofBytesMax));
  if (json.find("salt") != nullptr) {
    receipt.salt = TRY(parse_salt(TRY(text_member(json, "salt", 2 * sizeof(Salt)))));
  }
  return receipt;
}

base::Result<Receipt> Receipt::parse(std::string_view text) {
  const base::Json json =
      TRY(base::Json::parse(text, {.bytes_max = kAnswerBytesMax}).context("receipt"));
  if (!json.is_object()) return base::invalid_input("receipt: not an object");
  const base::Json* const within = json.find(kReceiptMember);
  return from_json(within == nullptr ? json : *within);
}

base::Result<ProvenRecord> check_record(std::string_view record, std::string_view proof,
                                        const VerifierKey* log) {
  const TlogProof parsed = TRY(TlogProof::parse(proof));
  ProvenRecord proven;
  proven.index = parsed.index;
  proven.checkpoint =
      log == nullptr ? TRY(check_unsigned(parsed, record)) : TRY(check_proof(parsed, record, *log));
  proven.record = TRY(base::parse_canonical_json(record).context("record"));
  if (!proven.record.is_object()) return base::invalid_input("record: not an object");
  const base::Json* const index = proven.record.find("index");
  if (index == nullptr || *index != base::Json(parsed.index)) {
    return base::denied("record: it names another index than its proof");
  }
  return proven;
}

}  // namespace daemon_audit
