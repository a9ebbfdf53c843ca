// The release statement: what a bundle says of itself and every file in it. provisioning/BUNDLE.md
// section 3.
#ifndef PROVISIONING_TRUST_RELEASE_H_
#define PROVISIONING_TRUST_RELEASE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/sha256.h"

namespace provisioning {

using Sha384Digest = std::array<std::byte, 48>;

// Of the envelope; a payload of 20,000 files has about 8 MiB.
inline constexpr std::size_t kReleaseBytesMax = 32u << 20;
inline constexpr std::size_t kReleaseFilesMax = 20'000;
inline constexpr std::uint64_t kChunkBytes = 4u << 20;

struct ReleaseFile {
  std::string name;
  std::uint64_t size = 0;
  Sha256Digest sha256{};
  Sha384Digest sha384{};
  Sha256Digest chunks{};  // SHA-256 over the SHA-256 digests of its pieces of kChunkBytes
};

struct Release {
  std::string name;
  std::uint64_t sequence = 0;
  std::string version;
  std::int64_t issued = 0;  // unix seconds
  std::optional<std::int64_t> expires;
  std::string product = "redoubt";
  std::string product_min = "0.1.0";
  std::vector<std::string> sites;
  std::vector<std::string> backends = {"cpu", "cuda"};
  std::uint64_t memory_bytes_min = 0;
  std::string license;
  Sha256Digest model_root{};
  std::vector<ReleaseFile> files;  // in the order of their names' bytes
  std::string golden;              // empty: none
  std::vector<std::string> evaluations;

  const ReleaseFile* find(std::string_view file) const;
  std::uint64_t total_bytes() const;
};

// Parses a payload whose signatures were checked. Every limit of section 3, names and order
// included, is checked, and that `model_root` follows from `files`.
base::Result<Release> parse_release(std::string_view payload);
// The payload to sign. kInvalidInput when the release would not be parsed again.
base::Result<std::string> serialize_release(const Release& release);

// SHA-256 of the payload, lower-case hex: what the release is called wherever it must not be
// confused.
std::string release_id(std::string_view payload);

// The OMS root digest over the files below model/.
Sha256Digest model_root_of(const std::vector<ReleaseFile>& files);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_RELEASE_H_
