#include "daemon/audit/seal/salt.h"

#include <bit>

#include "daemon/audit/seal/hpke_kdf.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

std::string digest_after(const Salt& salt, std::string_view text) {
  provisioning::Sha256 hash;
  hash.update(salt);
  hash.update(text);
  return base::to_hex(hash.finish());
}

// The digests are over little-endian numbers, as they lie in memory here.
static_assert(std::endian::native == std::endian::little);

}  // namespace

Salt make_salt(std::string_view site_key, std::string_view request_id) {
  std::string message("redoubt audit salt 1\n");
  message.append(request_id);
  return hmac_sha256(site_key, message).bytes;
}

Salt make_salt(const base::Secret& site_key, std::string_view request_id) {
  return make_salt(site_key.expose_text(), request_id);
}

std::string digest_body(const Salt& salt, std::string_view body) {
  return digest_after(salt, body);
}

std::string digest_text(const Salt& salt, std::string_view text) {
  return digest_after(salt, text);
}

std::string digest_tokens(const Salt& salt, std::uint32_t choice,
                          std::span<const std::int32_t> tokens) {
  provisioning::Sha256 hash;
  hash.update(salt);
  hash.update(std::as_bytes(std::span(&choice, 1)));
  hash.update(std::as_bytes(tokens));
  return base::to_hex(hash.finish());
}

}  // namespace daemon_audit
