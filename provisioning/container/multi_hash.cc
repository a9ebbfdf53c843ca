#include "provisioning/container/multi_hash.h"

#include <openssl/evp.h>

#include <algorithm>

#include "hardening/base/check.h"
#include "hardening/base/memory_reserve.h"

namespace provisioning {
namespace {

EVP_MD_CTX* create_sha384() {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  if (context != nullptr && EVP_DigestInit_ex(context, EVP_sha384(), nullptr) == 1) return context;
  EVP_MD_CTX_free(context);
  return nullptr;
}

}  // namespace

bool FileDigests::match(const ReleaseFile& file) const {
  return bytes == file.size && sha256 == file.sha256 && sha384 == file.sha384 &&
         chunks_digest == file.chunks;
}

// ---- SHA-256 ------------------------------------------------------------------------------------

void PiecedSha256::update(std::span<const std::byte> bytes) {
  digests_.bytes += bytes.size();
  // Both digests of a slice before the next: it is read from memory once, from cache once more.
  constexpr std::size_t kSliceBytes = std::size_t{64} << 10;
  while (!bytes.empty()) {
    const std::size_t room = static_cast<std::size_t>(kChunkBytes) - chunk_filled_;
    const auto slice = bytes.first(std::min({bytes.size(), room, kSliceBytes}));
    if (!chunk_) chunk_.emplace();
    chunk_->update(slice);
    whole_.update(slice);
    chunk_filled_ += slice.size();
    if (chunk_filled_ == kChunkBytes) end_chunk();
    bytes = bytes.subspan(slice.size());
  }
}

void PiecedSha256::end_chunk() {
  digests_.chunks.push_back(chunk_->finish());
  chunk_.reset();
  chunk_filled_ = 0;
}

FileDigests PiecedSha256::finish() {
  if (chunk_) end_chunk();
  digests_.sha256 = whole_.finish();
  Sha256 over;
  for (const Sha256Digest& chunk : digests_.chunks) over.update(std::span<const std::byte>(chunk));
  digests_.chunks_digest = over.finish();
  return std::move(digests_);
}

// ---- SHA-384 ------------------------------------------------------------------------------------

Sha384::Sha384() : context_(create_sha384()) {
  if (context_ == nullptr) {  // for want of memory alone, as in provisioning/sha256.cc
    base::spend_memory_reserve();
    context_ = create_sha384();
  }
  CHECK(context_ != nullptr);
}

Sha384::~Sha384() {
  EVP_MD_CTX_free(context_);
}

void Sha384::update(std::span<const std::byte> bytes) {
  CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

Sha384Digest Sha384::finish() {
  Sha384Digest digest{};
  CHECK(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr) ==
        1);
  return digest;
}

// ---- both ---------------------------------------------------------------------------------------

void MultiHash::update(std::span<const std::byte> bytes) {
  constexpr std::size_t kSliceBytes = std::size_t{64}
                                      << 10;  // stays in the cache from one to the other
  while (!bytes.empty()) {
    const auto slice = bytes.first(std::min(bytes.size(), kSliceBytes));
    sha256_.update(slice);
    sha384_.update(slice);
    bytes = bytes.subspan(slice.size());
  }
}

FileDigests MultiHash::finish() {
  FileDigests digests = sha256_.finish();
  digests.sha384 = sha384_.finish();
  return digests;
}

}  // namespace provisioning
