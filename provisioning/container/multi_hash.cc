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

MultiHash::MultiHash() : sha384_(create_sha384()) {
  if (sha384_ == nullptr) {  // for want of memory alone, as in provisioning/sha256.cc
    base::spend_memory_reserve();
    sha384_ = create_sha384();
  }
  CHECK(sha384_ != nullptr);
}

MultiHash::~MultiHash() {
  EVP_MD_CTX_free(sha384_);
}

void MultiHash::update(std::span<const std::byte> bytes) {
  digests_.bytes += bytes.size();
  // Piece by piece, and all three digests of a slice before the next: it is read from memory once,
  // from cache twice.
  constexpr std::size_t kSliceBytes = std::size_t{64} << 10;
  while (!bytes.empty()) {
    const std::size_t room = static_cast<std::size_t>(kChunkBytes) - chunk_filled_;
    const auto slice = bytes.first(std::min({bytes.size(), room, kSliceBytes}));
    if (!chunk_) chunk_.emplace();
    chunk_->update(slice);
    whole_.update(slice);
    CHECK(EVP_DigestUpdate(sha384_, slice.data(), slice.size()) == 1);
    chunk_filled_ += slice.size();
    if (chunk_filled_ == kChunkBytes) end_chunk();
    bytes = bytes.subspan(slice.size());
  }
}

void MultiHash::end_chunk() {
  digests_.chunks.push_back(chunk_->finish());
  chunk_.reset();
  chunk_filled_ = 0;
}

FileDigests MultiHash::finish() {
  if (chunk_) end_chunk();
  digests_.sha256 = whole_.finish();
  CHECK(EVP_DigestFinal_ex(sha384_, reinterpret_cast<unsigned char*>(digests_.sha384.data()),
                           nullptr) == 1);
  Sha256 over;
  for (const Sha256Digest& chunk : digests_.chunks) over.update(std::span<const std::byte>(chunk));
  digests_.chunks_digest = over.finish();
  return std::move(digests_);
}

}  // namespace provisioning
