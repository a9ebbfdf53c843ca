// Proofs of one record that stand for themselves (C2SP tlog-proof).
#include <fmt/format.h>

#include <bit>

#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/text_fields.h"
#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"

namespace daemon_audit {
namespace {

constexpr std::string_view kFormat = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kPathMax = std::bit_width(kTreeSizeMax) - 1;
constexpr std::size_t kExtraTextBytesMax = 65'536;

}  // namespace

std::string TlogProof::serialize() const {
  std::string text = fmt::format("{}\n", kFormat);
  if (!extra.empty()) text += fmt::format("extra {}\n", encode_base64(extra));
  text += fmt::format("index {}\n", index);
  for (const Hash& hash : path) text += encode_hash(hash) + '\n';
  return text + '\n' + checkpoint;
}

base::Result<TlogProof> TlogProof::parse(std::string_view text) {
  TlogProof proof;
  if (TRY(take_line(text, "tlog-proof: format")) != kFormat) {
    return base::invalid_input(fmt::format("tlog-proof: does not begin with {}", kFormat));
  }
  std::string_view line = TRY(take_line(text, "tlog-proof: index"));
  if (line.starts_with("extra ")) {
    line.remove_prefix(std::string_view("extra ").size());
    if (line.empty() || line.size() > kExtraTextBytesMax) {
      return base::exhausted(fmt::format("tlog-proof: extra of {} characters, 1 to {} are allowed",
                                         line.size(), kExtraTextBytesMax));
    }
    proof.extra = TRY(decode_base64(line, "tlog-proof: extra"));
    line = TRY(take_line(text, "tlog-proof: index"));
  }
  if (!line.starts_with("index ")) return base::invalid_input("tlog-proof: no index line");
  proof.index = TRY(parse_decimal(line.substr(std::string_view("index ").size()), kTreeSizeMax - 1,
                                  "tlog-proof: index"));
  for (line = TRY(take_line(text, "tlog-proof: path")); !line.empty();
       line = TRY(take_line(text, "tlog-proof: path"))) {
    if (proof.path.size() == kPathMax) {
      return base::exhausted(fmt::format("tlog-proof: a path of more than {} hashes", kPathMax));
    }
    proof.path.push_back(TRY(decode_hash(line, "tlog-proof: path")));
  }
  TRY(Note::parse(text).context("tlog-proof"));
  proof.checkpoint = text;
  return proof;
}

base::Result<Checkpoint> check_proof(const TlogProof& proof, std::string_view record,
                                     const VerifierKey& log) {
  Checkpoint checkpoint = TRY(open_checkpoint(proof.checkpoint, log));
  if (record.size() > kEntryBytesMax) {
    return base::denied(fmt::format("record: {} bytes, no entry of a log has more than {}",
                                    record.size(), kEntryBytesMax));
  }
  TRY(check_inclusion(hash_leaf(record), proof.index, checkpoint.size, proof.path,
                      checkpoint.root));
  return checkpoint;
}

}  // namespace daemon_audit
