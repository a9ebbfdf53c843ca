// Signed notes (C2SP signed-note): a text with signature lines under it, and the keys that make and
// check them.
#ifndef DAEMON_AUDIT_TLOG_NOTE_H_
#define DAEMON_AUDIT_TLOG_NOTE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace daemon_audit {

inline constexpr std::size_t kNoteTextBytesMax = 16'384;
inline constexpr std::size_t kNoteSignaturesMax = 32;  // the format wants room for 16 at least
inline constexpr std::size_t kKeyNameBytesMax = 128;

enum class NoteKeyType : std::uint8_t {
  kEd25519 = 0x01,
  kCosignatureEd25519 =
      0x04,  // C2SP tlog-cosignature: signs "cosignature/v1\ntime N\n" and the text
  kCosignatureMlDsa44 =
      0x06,  // where the OpenSSL at hand has it (3.5); else such lines are unknown keys
};

// Not empty, UTF-8, no control characters, no spaces of any script, no plus.
bool is_key_name(std::string_view name);
// Whether it can be the text of a note.
base::Status check_note_text(std::string_view text);

// Who may have signed: "name+hex8+base64".
class VerifierKey {
 public:
  static base::Result<VerifierKey> parse(std::string_view text);
  static base::Result<VerifierKey> create(std::string name, NoteKeyType type,
                                          std::string public_key);
  std::string text() const;
  const std::string& name() const { return name_; }
  std::uint32_t id() const {
    return id_;
  }  // first 4 bytes, big-endian, of SHA-256(name || 0x0A || type || key)
  NoteKeyType type() const { return type_; }
  const std::string& public_key() const { return public_key_; }

  // What stands behind the key id in a signature line. For cosignatures, the time it names; else 0.
  // kDenied: it does not hold.
  base::Result<std::uint64_t> check(std::string_view text, std::string_view signature) const;

 private:
  std::string name_;
  std::uint32_t id_ = 0;
  NoteKeyType type_ = NoteKeyType::kEd25519;
  std::string public_key_;  // raw
};

// Ed25519; as PKCS#8 PEM in a file of 0600.
class SignerKey {
 public:
  static base::Result<SignerKey> generate(std::string name);
  static base::Result<SignerKey> from_pem(std::string name, std::string_view pem);
  SignerKey(SignerKey&&) noexcept;
  SignerKey& operator=(SignerKey&&) noexcept;
  ~SignerKey();

  base::Result<base::Secret> pem() const;
  const VerifierKey& verifier() const;
  // One signature line, newline included.
  base::Result<std::string> sign(std::string_view text) const;

 private:
  struct State;
  explicit SignerKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct NoteSignature {
  std::string name;
  std::uint32_t id = 0;
  std::string bytes;  // without the id
  std::string line;   // as it stands, newline included
};

struct Note {
  std::string text;  // ends in a newline; valid UTF-8 without control characters but newlines
  std::vector<NoteSignature> signatures;

  static base::Result<Note> parse(std::string_view bytes);
  std::string serialize() const;
};

// The signatures of known keys, each checked. kDenied when a known key's signature does not hold,
// or when none of `keys` has signed. Unknown keys are passed over.
struct KnownSignature {
  std::size_t key = 0;     // index among `keys`
  std::uint64_t time = 0;  // of a cosignature
};
base::Result<std::vector<KnownSignature>> check_note(const Note& note,
                                                     std::span<const VerifierKey> keys);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_NOTE_H_
