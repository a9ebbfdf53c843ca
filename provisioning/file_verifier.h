// The one place where a base::VerifiedFile is made, and base::VerifiedWeights are taken over.
#ifndef PROVISIONING_FILE_VERIFIER_H_
#define PROVISIONING_FILE_VERIFIER_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "hardening/base/verified_weights.h"
#include "provisioning/sha256.h"

namespace provisioning {

// What a signed statement says of a file that can be verified piece by piece. BUNDLE.md section 3,
// `chunks`.
struct PiecedFile {
  static constexpr std::uint64_t kPieceBytes = 4u << 20;
  static constexpr std::uint64_t pieces(std::uint64_t file_bytes) {
    return file_bytes / kPieceBytes + (file_bytes % kPieceBytes != 0 ? 1 : 0);
  }
  static constexpr std::uint64_t digests_bytes(std::uint64_t file_bytes) {
    return pieces(file_bytes) * sizeof(Sha256Digest);
  }

  std::uint64_t size = 0;
  Sha256Digest sha256{};  // of the whole: names the file. Not computed, the pieces are
  Sha256Digest chunks{};  // SHA-256 over `digests`
  std::span<const std::byte>
      digests{};  // SHA-256 of each piece, one after another; not believed before `chunks` agrees
};

class FileVerifier {
 public:
  // Called now and then with the bytes read so far and in all.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

  // Reads the file once, into private memory, hashing on the way; kDenied when its digest is not
  // `expected`.
  static base::Result<base::VerifiedFile> read(const base::Fd& file, std::string name,
                                               const Sha256Digest& expected,
                                               const Progress& progress = {});

  // The same, piece by piece on `threads` threads (the caller's one of them; at least one): hashing
  // is what takes the time. `progress` is called on the caller's thread. kDenied names the piece
  // that is wrong. Nothing is allocated when the size is not the one stated.
  static base::Result<base::VerifiedFile> read_pieces(const base::Fd& file, std::string name,
                                                      const PiecedFile& expected, unsigned threads,
                                                      const Progress& progress = {});

  // Takes over weights that a former process made of the file with that digest and sealed, in its
  // stead: nothing of the file is read. Errors as of base::VerifiedWeights::inherit.
  static base::Result<base::VerifiedWeights> inherit(base::Fd weights,
                                                     const Sha256Digest& expected) {
    return base::VerifiedWeights::inherit({}, std::move(weights), expected);
  }
};

}  // namespace provisioning

#endif  // PROVISIONING_FILE_VERIFIER_H_
