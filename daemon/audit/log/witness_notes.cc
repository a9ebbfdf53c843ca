#include "daemon/audit/log/witness_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/tlog/checkpoint.h"

namespace daemon_audit {
namespace {

base::Status check_ours(const Checkpoint& checkpoint, std::uint64_t size,
                        const HashReader& hashes) {
  if (checkpoint.size == 0) return base::denied("a checkpoint over nothing says nothing");
  if (checkpoint.size > size) {
    return base::denied(
        fmt::format("the checkpoint is over {} entries, this log has {}", checkpoint.size, size));
  }
  if (TRY(tree_root(checkpoint.size, hashes)) != checkpoint.root) {
    return base::denied(
        fmt::format("the first {} entries of this log have another root", checkpoint.size));
  }
  return {};
}

// The note in witness/SIZE; a damaged one is no reason to refuse a good one.
std::optional<Note> read_kept(const base::Fd& directory, std::uint64_t size) {
  const auto bytes = read_log_file(directory, witness_path(size), kCheckpointFileBytesMax);
  if (!bytes.ok()) return {};
  auto note = Note::parse(bytes.value());
  if (!note.ok()) return {};
  return std::move(note).value();
}

bool has_line(const Note& note, const NoteSignature& signature) {
  return std::ranges::any_of(note.signatures, [&](const NoteSignature& other) {
    return other.name == signature.name && other.id == signature.id;
  });
}

}  // namespace

base::Result<Cosigned> check_cosigned(const base::Fd& directory, std::string_view text,
                                      const VerifierKey& log,
                                      std::span<const VerifierKey> witnesses, std::uint64_t size,
                                      const HashReader& hashes) {
  const Checkpoint checkpoint = TRY(open_checkpoint(text, log));
  TRY(check_ours(checkpoint, size, hashes));
  const Note note = TRY(Note::parse(text));
  const auto known = TRY(check_note(note, witnesses).context("cosignatures"));

  Cosigned result;
  result.size = checkpoint.size;
  Note kept;
  kept.text = note.text;
  if (auto former = read_kept(directory, checkpoint.size); former && former->text == note.text) {
    kept = std::move(*former);
  }
  // Of the note, only what was checked is kept: the log's own line and those of known witnesses.
  for (const NoteSignature& signature : note.signatures) {
    const bool own = signature.name == log.name() && signature.id == log.id();
    const bool witness = std::ranges::any_of(known, [&](const KnownSignature& found) {
      return witnesses[found.key].name() == signature.name &&
             witnesses[found.key].id() == signature.id;
    });
    if ((!own && !witness) || has_line(kept, signature)) continue;
    if (kept.signatures.size() == kNoteSignaturesMax) {
      return base::exhausted(fmt::format("more than {} signatures", kNoteSignaturesMax));
    }
    if (witness) result.witnesses.push_back(signature.name);
    kept.signatures.push_back(signature);
  }
  result.note = kept.serialize();
  return result;
}

}  // namespace daemon_audit
