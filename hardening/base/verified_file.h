// The bytes of a file whose digest was checked against a signed statement.
//
// The model loader takes this type, or what was made of one (verified_weights.h), and no other, and only
// `provisioning` can construct it, so "unverified weights cannot be loaded" is a fact of the type system. The bytes
// live in private memory that was filled while they were hashed: what was checked is what is used, whatever happens
// to the file afterwards.
#ifndef HARDENING_BASE_VERIFIED_FILE_H_
#define HARDENING_BASE_VERIFIED_FILE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace provisioning {
class FileVerifier;  // the one holder of the pass-key; lives in provisioning/file_verifier.h
}

namespace base {

class VerifiedFile {
 public:
  using Sha256Digest = std::array<std::byte, 32>;

  // Only provisioning::FileVerifier can make one, so only it can reach the constructor below.
  class PassKey {
   private:
    PassKey() = default;
    friend class ::provisioning::FileVerifier;
  };

  // `bytes` is a private anonymous mapping of `mapped_bytes`, of which this takes ownership.
  VerifiedFile(PassKey, std::string name, Sha256Digest digest, std::span<std::byte> bytes, std::size_t mapped_bytes);

  VerifiedFile(VerifiedFile&& other) noexcept;
  VerifiedFile& operator=(VerifiedFile&& other) noexcept;
  VerifiedFile(const VerifiedFile&) = delete;
  VerifiedFile& operator=(const VerifiedFile&) = delete;
  ~VerifiedFile();

  const std::string& name() const { return name_; }  // relative to the model directory
  const Sha256Digest& sha256() const { return digest_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  // Says that [offset, offset + count) is wanted no more: a loader calls this once for each tensor, when it has made
  // its own layout of it, so that a model is never twice in memory. What is wanted of no large page (2 MiB) any more
  // goes back to the system whole: a page given back in parts is of no use to who asks for memory next. The bytes may
  // read as zero after.
  void release(std::size_t offset, std::size_t count);

 private:
  void drop();

  std::string name_;
  Sha256Digest digest_{};
  std::span<std::byte> bytes_;
  std::size_t mapped_bytes_ = 0;
  std::vector<std::uint32_t> wanted_;  // bytes, by large page from the one the mapping begins in
};

}  // namespace base

#endif  // HARDENING_BASE_VERIFIED_FILE_H_
