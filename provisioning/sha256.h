// SHA-256 (FIPS 180-4) through OpenSSL's EVP.
#ifndef PROVISIONING_SHA256_H_
#define PROVISIONING_SHA256_H_

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

struct evp_md_ctx_st;

namespace provisioning {

using Sha256Digest = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  // The digest of everything so far. Call once.
  Sha256Digest finish();

 private:
  evp_md_ctx_st* context_;
};

Sha256Digest sha256(std::span<const std::byte> bytes);
inline Sha256Digest sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

}  // namespace provisioning

#endif  // PROVISIONING_SHA256_H_
