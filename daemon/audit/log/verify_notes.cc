#include "daemon/audit/log/verify_notes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "daemon/audit/tlog/text_fields.h"
#include "hardening/base/file.h"
#include "hardening/base/secret.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kKeyFileBytesMax = 4'096;
constexpr std::size_t kNoteFileBytesMax = std::size_t{256} << 10;

// A signature's bytes have one text; what differs was written by somebody else.
bool is_canonical(const NoteSignature& signature) {
  std::string raw;
  for (int shift = 24; shift >= 0; shift -= 8) {
    raw.push_back(static_cast<char>(static_cast<unsigned char>(signature.id >> shift)));
  }
  raw += signature.bytes;
  return signature.line == fmt::format("\xE2\x80\x94 {} {}\n", signature.name, encode_base64(raw));
}

// The private key belongs to the appliance; whoever may read it is told when it is not the log's.
void check_private_key(LogFiles& files, const VerifierKey& key, Findings& findings) {
  const auto opened =
      base::open_beneath(files.directory(), "key", O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened.ok()) {
    if (opened.error().code != base::ErrorCode::kDenied)
      findings.add("key", opened.error().message);
    return;
  }
  struct stat info {};
  if (::fstat(opened.value().get(), &info) == 0 && (info.st_mode & 077) != 0) {
    findings.add("key", "others than its owner may read the log's private key");
  }
  auto text = base::read_text(opened.value(), kKeyFileBytesMax);
  if (!text.ok()) return findings.add("key", text.error().message);
  const auto signer = SignerKey::from_pem(key.name(), text.value());
  const auto written = signer.ok() ? signer.value().pem() : base::not_found("no key");
  const bool same = written.ok() && signer.value().verifier().text() == key.text() &&
                    written.value().expose_text() == text.value();
  base::wipe(std::as_writable_bytes(std::span(text.value())));
  if (!same) findings.add("key", "is not the private key of this log");
}

class WitnessNotes {
 public:
  WitnessNotes(LogFiles& files, const WitnessRequest& request, std::vector<RootClaim>& claims,
               Findings& findings)
      : files_(files), request_(request), claims_(claims), findings_(findings) {}

  WitnessFacts run() {
    auto& records = request_.records;
    std::sort(records.begin(), records.end());
    records.erase(std::unique(records.begin(), records.end()), records.end());
    seen_.resize(records.size());
    for (const std::uint64_t size : request_.sizes) {
      if (findings_.full()) break;
      note(size);
    }
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (seen_[i]) continue;
      findings_.add("witness/" + twenty_digits(records[i].size),
                    fmt::format("the signature of {} that a log.cosigned names is missing",
                                quoted(records[i].witness)));
    }
    return facts_;
  }

 private:
  void note(std::uint64_t size) {
    const std::string where = "witness/" + twenty_digits(size);
    const auto bytes = files_.need(where, kNoteFileBytesMax);
    if (!bytes) return;
    const auto parsed = Note::parse(*bytes);
    const auto checkpoint = open_checkpoint(*bytes, request_.key);
    if (!parsed.ok() || !checkpoint.ok()) {
      return findings_.add(where, (parsed.ok() ? checkpoint.error() : parsed.error()).message);
    }
    if (checkpoint.value().size != size || parsed.value().text != checkpoint.value().serialize()) {
      findings_.add(where, "is not a checkpoint of the size in its name and nothing more");
    }
    claims_.push_back({checkpoint.value().size, checkpoint.value().root, where});
    std::vector<std::string> lines;
    for (const NoteSignature& signature : parsed.value().signatures) {
      line(where, size, parsed.value().text, signature);
      lines.push_back(signature.line);
    }
    std::sort(lines.begin(), lines.end());
    if (std::adjacent_find(lines.begin(), lines.end()) != lines.end()) {
      findings_.add(where, "a signature stands there twice");
    }
    if (lines.size() < 2) findings_.add(where, "no witness has signed it");
  }

  void line(const std::string& where, std::uint64_t size, const std::string& text,
            const NoteSignature& signature) {
    if (!is_canonical(signature)) findings_.add(where, "a signature line is not in its one form");
    const VerifierKey& own = request_.key;
    if (signature.name == own.name() && signature.id == own.id()) return;  // open_checkpoint()
    const bool is_recorded = recorded(size, signature.name);
    const VerifierKey* const witness = find_witness(signature);
    const auto checked = witness != nullptr
                             ? witness->check(text, signature.bytes)
                             : base::Result<std::uint64_t>(base::unsupported("an unknown key"));
    if (checked.ok()) {
      // It speaks for itself, though a crash may have kept its record out.
      ++facts_.verified;
    } else if (checked.error().code != base::ErrorCode::kUnsupported) {
      findings_.add(where, fmt::format("the signature of {}: {}", quoted(signature.name),
                                       checked.error().message));
    } else if (!is_recorded) {
      findings_.add(
          where, fmt::format("no log.cosigned names the signature of {}", quoted(signature.name)));
    } else if (witness == nullptr && knows_name(signature.name)) {
      findings_.add(where, fmt::format("{} has signed with a key that is not the one known",
                                       quoted(signature.name)));
    } else {
      ++facts_.unchecked;
    }
  }

  const VerifierKey* find_witness(const NoteSignature& signature) const {
    for (const VerifierKey& witness : request_.witnesses) {
      if (witness.name() == signature.name && witness.id() == signature.id) return &witness;
    }
    return nullptr;
  }

  bool knows_name(const std::string& name) const {
    return std::any_of(request_.witnesses.begin(), request_.witnesses.end(),
                       [&](const VerifierKey& witness) { return witness.name() == name; });
  }

  // A log.cosigned for a tree that large stands behind it; it may be among those that are gone.
  bool recorded(std::uint64_t size, const std::string& witness) {
    const auto& records = request_.records;
    const CosignedRecord wanted{.size = size, .witness = witness};
    const auto place = std::lower_bound(records.begin(), records.end(), wanted);
    if (place == records.end() || *place != wanted) return size < request_.first;
    seen_[static_cast<std::size_t>(place - records.begin())] = true;
    return true;
  }

  LogFiles& files_;
  const WitnessRequest& request_;
  std::vector<RootClaim>& claims_;
  Findings& findings_;
  std::vector<bool> seen_;
  WitnessFacts facts_;
};

}  // namespace

std::optional<VerifierKey> check_keys(LogFiles& files, bool private_key_listed,
                                      const std::optional<VerifierKey>& trusted,
                                      Findings& findings) {
  std::optional<VerifierKey> key = trusted;
  if (const auto text = files.need("log.vkey", kKeyFileBytesMax)) {
    const std::string_view line(*text);
    auto own = VerifierKey::parse(line.substr(0, line.find('\n')));
    if (!own.ok()) {
      findings.add("log.vkey", own.error().message);
    } else if (own.value().text() + "\n" != line || own.value().type() != NoteKeyType::kEd25519) {
      findings.add("log.vkey", "is not the one line of an Ed25519 key");
    } else if (trusted && trusted->text() != own.value().text()) {
      findings.add("log.vkey", "is not the key that is trusted: another log, or one signed anew");
    } else {
      key = std::move(own).value();
    }
  }
  if (key && private_key_listed) check_private_key(files, *key, findings);
  return key;
}

std::optional<Checkpoint> check_own_checkpoint(std::string_view where, std::string_view bytes,
                                               const VerifierKey& key, Findings& findings) {
  auto checkpoint = open_checkpoint(bytes, key);
  if (!checkpoint.ok()) {
    findings.add(where, checkpoint.error().message);
    return std::nullopt;
  }
  const auto note = Note::parse(bytes);
  if (!note.ok() || note.value().signatures.size() != 1 ||
      !is_canonical(note.value().signatures[0]) ||
      note.value().text != checkpoint.value().serialize()) {
    findings.add(where, "says more than the log's own checkpoint does");
  }
  return std::move(checkpoint).value();
}

WitnessFacts check_witnesses(LogFiles& files, const WitnessRequest& request,
                             std::vector<RootClaim>& claims, Findings& findings) {
  return WitnessNotes(files, request, claims, findings).run();
}

void check_carried(std::span<const std::string> notes, const VerifierKey& key,
                   std::vector<RootClaim>& claims, Findings& findings) {
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const std::string where = fmt::format("checkpoint {} that was carried out", i + 1);
    auto checkpoint = open_checkpoint(notes[i], key);
    if (!checkpoint.ok()) {
      findings.add(where, checkpoint.error().message);
      continue;
    }
    claims.push_back({checkpoint.value().size, checkpoint.value().root, where});
  }
}

}  // namespace daemon_audit
