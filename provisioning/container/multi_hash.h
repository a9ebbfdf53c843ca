// Everything a release says of a file's bytes, taken in one read: SHA-256, SHA-384, and the SHA-256
// of each piece of kChunkBytes. provisioning/BUNDLE.md section 3.
#ifndef PROVISIONING_CONTAINER_MULTI_HASH_H_
#define PROVISIONING_CONTAINER_MULTI_HASH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "provisioning/sha256.h"
#include "provisioning/trust/release.h"

namespace provisioning {

struct FileDigests {
  std::uint64_t bytes = 0;
  Sha256Digest sha256{};
  Sha384Digest sha384{};
  std::vector<Sha256Digest> chunks;  // in order; none of an empty file
  Sha256Digest chunks_digest{};      // SHA-256 over `chunks`: the release's member "chunks"

  // Whether these are the size and the three digests that the release states.
  bool match(const ReleaseFile& file) const;
};

// The two halves, of which each takes as long as the other: SHA-256 twice, where processors have
// instructions for it, and SHA-384, where they have none. For who gives each a thread of its own.
class PiecedSha256 {
 public:
  void update(std::span<const std::byte> bytes);
  // All digests but SHA-384, of everything so far. Call once.
  FileDigests finish();

 private:
  void end_chunk();

  Sha256 whole_;
  std::optional<Sha256> chunk_;   // empty between two pieces
  std::size_t chunk_filled_ = 0;  // bytes of the piece under way
  FileDigests digests_;
};

class Sha384 {
 public:
  Sha384();
  ~Sha384();
  Sha384(const Sha384&) = delete;
  Sha384& operator=(const Sha384&) = delete;

  void update(std::span<const std::byte> bytes);
  // The digest of everything so far. Call once.
  Sha384Digest finish();

 private:
  evp_md_ctx_st* context_;
};

// Both on the caller's thread.
class MultiHash {
 public:
  void update(std::span<const std::byte> bytes);
  // The digests of everything so far. Call once.
  FileDigests finish();

 private:
  PiecedSha256 sha256_;
  Sha384 sha384_;
};

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_MULTI_HASH_H_
