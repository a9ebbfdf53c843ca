#include "daemon/audit/tlog/note.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/audit/tlog/text_fields.h"
#include "hardening/base/utf8.h"

namespace daemon_audit {
namespace {

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // U+2014 and a space
constexpr std::size_t kKeyIdBytes = 4;
// Room for the base64 of a post-quantum signature of 5 kB.
constexpr std::size_t kSignatureLineBytesMax = 8'192;
constexpr std::size_t kNoteBytesMax =
    kNoteTextBytesMax + 1 + kNoteSignaturesMax * kSignatureLineBytesMax;

base::Result<NoteSignature> parse_signature(std::string_view line) {
  if (line.size() + 1 > kSignatureLineBytesMax) {
    return base::exhausted(fmt::format("note: a signature line of {} bytes, limit {}",
                                       line.size() + 1, kSignatureLineBytesMax));
  }
  NoteSignature signature;
  signature.line = std::string(line) + '\n';
  if (!line.starts_with(kDash)) return base::invalid_input("note: not a signature line");
  line.remove_prefix(kDash.size());
  const auto space = line.find(' ');
  if (space == line.npos) return base::invalid_input("note: a signature line without a signature");
  signature.name = line.substr(0, space);
  if (!is_key_name(signature.name)) {
    return base::invalid_input("note: a signature line without a key's name");
  }
  std::string bytes = TRY(decode_base64(line.substr(space + 1), "note: signature"));
  if (bytes.size() <= kKeyIdBytes) return base::invalid_input("note: a signature that is empty");
  for (std::size_t i = 0; i < kKeyIdBytes; ++i) {
    signature.id = (signature.id << 8) | static_cast<unsigned char>(bytes[i]);
  }
  signature.bytes = bytes.substr(kKeyIdBytes);
  return signature;
}

bool is_of(const NoteSignature& signature, const VerifierKey& key) {
  return signature.id == key.id() && signature.name == key.name();
}

}  // namespace

base::Status check_note_text(std::string_view text) {
  if (text.size() > kNoteTextBytesMax) {
    return base::exhausted(
        fmt::format("note: a text of {} bytes, limit {}", text.size(), kNoteTextBytesMax));
  }
  if (!text.ends_with('\n')) return base::invalid_input("note: the text does not end in a newline");
  if (!base::is_utf8(text)) return base::invalid_input("note: the text is not UTF-8");
  const auto is_foreign = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; };
  if (std::any_of(text.begin(), text.end(), is_foreign)) {
    return base::invalid_input("note: the text has a control character");
  }
  return {};
}

base::Result<Note> Note::parse(std::string_view bytes) {
  if (bytes.size() > kNoteBytesMax) {
    return base::exhausted(fmt::format("note: {} bytes, limit {}", bytes.size(), kNoteBytesMax));
  }
  const auto blank = bytes.rfind("\n\n");
  if (blank == bytes.npos) return base::invalid_input("note: no blank line, so no signatures");
  Note note;
  note.text = bytes.substr(0, blank + 1);
  TRY(check_note_text(note.text));
  std::string_view rest = bytes.substr(blank + 2);
  if (rest.empty()) return base::invalid_input("note: no signatures");
  while (!rest.empty()) {
    if (note.signatures.size() == kNoteSignaturesMax) {
      return base::exhausted(fmt::format("note: more than {} signatures", kNoteSignaturesMax));
    }
    NoteSignature signature = TRY(parse_signature(TRY(take_line(rest, "note: signature"))));
    note.signatures.push_back(std::move(signature));
  }
  return note;
}

std::string Note::serialize() const {
  std::string bytes = text + '\n';
  for (const NoteSignature& signature : signatures) bytes += signature.line;
  return bytes;
}

base::Result<std::vector<KnownSignature>> check_note(const Note& note,
                                                     std::span<const VerifierKey> keys) {
  std::vector<KnownSignature> known;
  for (const NoteSignature& signature : note.signatures) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!is_of(signature, keys[i])) continue;
      const auto time = keys[i].check(note.text, signature.bytes);
      if (!time.ok() && time.error().code == base::ErrorCode::kUnsupported) continue;
      if (!time.ok()) {
        return base::denied(
            fmt::format("note: signature by {}: {}", keys[i].name(), time.error().message));
      }
      const auto is_same = [i](const KnownSignature& other) { return other.key == i; };
      if (std::none_of(known.begin(), known.end(), is_same)) known.push_back({i, time.value()});
    }
  }
  if (known.empty()) return base::denied("note: none of the known keys has signed it");
  return known;
}

}  // namespace daemon_audit
