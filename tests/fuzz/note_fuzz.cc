// A signed note, a checkpoint and a verifier key from anywhere: each that parses is written again
// to the byte, and no key has signed it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/note.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = daemon_audit::VerifierKey::parse(text); key.ok()) {
    if (key.value().text() != text) std::abort();
    (void)key.value().check(text, text);
  }
  if (const auto checkpoint = daemon_audit::Checkpoint::parse(text); checkpoint.ok()) {
    if (!text.starts_with(checkpoint.value().serialize())) std::abort();
  }
  const auto note = daemon_audit::Note::parse(text);
  if (!note.ok()) return 0;
  if (note.value().serialize() != text) std::abort();
  // A key whose private half nobody has.
  static const auto kNobody = daemon_audit::VerifierKey::create(
      "fuzz", daemon_audit::NoteKeyType::kCosignatureEd25519, std::string(32, '\1'));
  if (kNobody.ok() && daemon_audit::check_note(note.value(), std::span(&kNobody.value(), 1)).ok()) {
    std::abort();
  }
  return 0;
}
