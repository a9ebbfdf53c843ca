#include "daemon/audit/tlog/checkpoint.h"

#include <fmt/format.h>

#include <span>

#include "daemon/audit/tlog/text_fields.h"
#include "daemon/audit/tlog/tree.h"

namespace daemon_audit {

std::string Checkpoint::serialize() const {
  return fmt::format("{}\n{}\n{}\n", origin, size, encode_hash(root));
}

base::Result<Checkpoint> Checkpoint::parse(std::string_view text) {
  TRY(check_note_text(text).context("checkpoint"));
  Checkpoint checkpoint;
  checkpoint.origin = TRY(take_line(text, "checkpoint: origin"));
  if (checkpoint.origin.empty()) return base::invalid_input("checkpoint: the origin is empty");
  const std::string_view size = TRY(take_line(text, "checkpoint: size"));
  checkpoint.size = TRY(parse_decimal(size, kTreeSizeMax, "checkpoint: size"));
  const std::string_view root = TRY(take_line(text, "checkpoint: root"));
  checkpoint.root = TRY(decode_hash(root, "checkpoint: root"));
  while (!text.empty()) {
    if (TRY(take_line(text, "checkpoint: extension")).empty()) {
      return base::invalid_input("checkpoint: an extension line is empty");
    }
  }
  return checkpoint;
}

base::Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const SignerKey& key) {
  if (checkpoint.origin != key.verifier().name()) {
    return base::invalid_input("checkpoint: its origin is not the name of the key that signs it");
  }
  const std::string text = checkpoint.serialize();
  return text + '\n' + TRY(key.sign(text));
}

base::Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& log) {
  const Note opened = TRY(Note::parse(note));
  TRY(check_note(opened, std::span(&log, 1)));
  Checkpoint checkpoint = TRY(Checkpoint::parse(opened.text));
  if (checkpoint.origin != log.name()) {
    return base::denied("checkpoint: its origin is not the name of the log's key");
  }
  return checkpoint;
}

}  // namespace daemon_audit
