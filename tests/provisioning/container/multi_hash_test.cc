// One pass gives what OpenSSL gives for each digest by itself, wherever the pieces end.
#include "provisioning/container/multi_hash.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace provisioning {
namespace {

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(i * 131 + i / 257);
  return data;
}

Sha384Digest sha384(std::span<const std::byte> bytes) {
  Sha384Digest digest{};
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                       nullptr, EVP_sha384(), nullptr),
            1);
  return digest;
}

FileDigests in_steps(std::span<const std::byte> bytes, std::size_t step) {
  MultiHash hash;
  for (; bytes.size() > step; bytes = bytes.subspan(step)) hash.update(bytes.first(step));
  hash.update(bytes);
  return hash.finish();
}

TEST(MultiHash, GivesEachDigestAsItWouldBeByItself) {
  constexpr std::size_t kChunk = kChunkBytes;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1,
                                  2 * kChunk, 2 * kChunk + 12'345}) {
    const auto data = pattern(bytes);
    for (const std::size_t step : {std::size_t{77'777}, std::size_t{1} << 20, 3 * kChunk}) {
      const auto digests = in_steps(data, step);
      EXPECT_EQ(digests.bytes, bytes);
      EXPECT_EQ(digests.sha256, sha256(data));
      EXPECT_EQ(digests.sha384, sha384(data));
      Sha256 over;
      std::size_t count = 0;
      for (std::size_t at = 0; at < bytes; at += kChunk, ++count) {
        const auto chunk =
            sha256(std::span<const std::byte>(data).subspan(at, std::min(kChunk, bytes - at)));
        ASSERT_LT(count, digests.chunks.size());
        EXPECT_EQ(digests.chunks[count], chunk);
        over.update(std::span<const std::byte>(chunk));
      }
      EXPECT_EQ(digests.chunks.size(), count);
      EXPECT_EQ(digests.chunks_digest, over.finish());
    }
  }
}

TEST(MultiHash, MatchesARelease) {
  const auto data = pattern(1000);
  const auto digests = in_steps(data, 100);
  ReleaseFile file{.name = "model/x",
                   .size = 1000,
                   .sha256 = digests.sha256,
                   .sha384 = digests.sha384,
                   .chunks = digests.chunks_digest};
  EXPECT_TRUE(digests.match(file));
  for (int what = 0; what < 4; ++what) {
    ReleaseFile other = file;
    if (what == 0) other.size = 999;
    if (what == 1) other.sha256[31] ^= std::byte{1};
    if (what == 2) other.sha384[47] ^= std::byte{1};
    if (what == 3) other.chunks[0] ^= std::byte{1};
    EXPECT_FALSE(digests.match(other)) << what;
  }
}

}  // namespace
}  // namespace provisioning
