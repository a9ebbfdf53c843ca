#include "provisioning/sha256.h"

#include <openssl/evp.h>

#include "hardening/base/check.h"
#include "hardening/base/memory_reserve.h"

namespace provisioning {

namespace {

// Null when there is no memory, for which alone these calls fail.
EVP_MD_CTX* create_context() {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  if (context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1) return context;
  EVP_MD_CTX_free(context);
  return nullptr;
}

}  // namespace

// A digest is taken of every request and every key: for want of memory the reserve is spent, as `new` would.
Sha256::Sha256() : context_(create_context()) {
  if (context_ == nullptr) {
    base::spend_memory_reserve();
    context_ = create_context();
  }
  CHECK(context_ != nullptr);
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

void Sha256::update(std::span<const std::byte> bytes) {
  CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  CHECK(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return digest;
}

Sha256Digest sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace provisioning
