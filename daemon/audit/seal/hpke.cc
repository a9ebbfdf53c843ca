#include "daemon/audit/seal/hpke.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "daemon/audit/seal/hpke_kdf.h"
#include "hardening/base/check.h"
#include "hardening/base/secret.h"
#include "provisioning/openssl_objects.h"

namespace daemon_audit {
namespace {

using provisioning::make_surely;
using provisioning::PkeyContextOwner;
using provisioning::PkeyOwner;
using CipherOwner = std::unique_ptr<EVP_CIPHER_CTX, provisioning::OpensslFree<EVP_CIPHER_CTX_free>>;

// AES-256-GCM (RFC 9180 table 5).
struct MessageKey {
  SecretBytes<32> key;
  std::array<std::byte, 12> nonce;
};

PkeyOwner private_pkey(X25519View key) {
  return make_surely<PkeyOwner>([key] {
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, provisioning::raw(key),
                                        key.size());
  });
}

PkeyOwner public_pkey(X25519View key) {
  return make_surely<PkeyOwner>([key] {
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, provisioning::raw(key),
                                       key.size());
  });
}

unsigned char* raw_out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// X25519. Of low order is a point whose multiples by clamped numbers are all zero (RFC 7748
// section 6.1).
base::Status diffie_hellman(X25519View own, X25519View peer, SecretBytes<32>& shared) {
  const PkeyOwner own_key = private_pkey(own);
  const PkeyOwner peer_key = public_pkey(peer);
  const auto context = make_surely<PkeyContextOwner>(
      [&own_key] { return EVP_PKEY_CTX_new(own_key.get(), nullptr); });
  std::size_t size = shared.bytes.size();
  const bool derived = EVP_PKEY_derive_init(context.get()) == 1 &&
                       EVP_PKEY_derive_set_peer(context.get(), peer_key.get()) == 1 &&
                       EVP_PKEY_derive(context.get(), raw_out(shared.bytes), &size) == 1;
  constexpr X25519Bytes kZero{};
  if (!derived || size != shared.bytes.size() || base::equal_constant_time(shared.bytes, kZero)) {
    ERR_clear_error();
    return base::denied("the public key is a point of low order");
  }
  return {};
}

// DHKEM's shared secret (RFC 9180 section 4.1), then the key schedule of base mode (section 5.1).
MessageKey schedule_key(const SecretBytes<32>& shared_point, std::string_view enc,
                        std::string_view recipient, std::string_view info) {
  constexpr std::string_view kKem("KEM\x00\x20", 5);                     // X25519, HKDF-SHA256
  constexpr std::string_view kHpke("HPKE\x00\x20\x00\x01\x00\x02", 10);  // … AES-256-GCM
  const std::string kem_context = std::string(enc) + std::string(recipient);
  const auto eae = labeled_extract(kKem, "", "eae_prk", shared_point.text());
  SecretBytes<32> shared;
  labeled_expand(kKem, eae, "shared_secret", kem_context, shared.bytes);

  const std::string no_psk = labeled_extract(kHpke, "", "psk_id_hash", "").copy();
  const std::string info_hash = labeled_extract(kHpke, "", "info_hash", info).copy();
  const std::string context = std::string(1, '\0') + no_psk + info_hash;  // mode_base
  const auto secret = labeled_extract(kHpke, shared.text(), "secret", "");
  MessageKey message;
  labeled_expand(kHpke, secret, "key", context, message.key.bytes);
  labeled_expand(kHpke, secret, "base_nonce", context, message.nonce);  // sequence number 0
  return message;
}

const unsigned char* raw_text(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The parameters of EVP are int.
base::Result<int> counted(std::string_view text) {
  if (text.size() > std::size_t{std::numeric_limits<int>::max()} - kHpkeTagBytes) {
    return base::exhausted("a text of 2 GiB or more cannot be sealed");
  }
  return static_cast<int>(text.size());
}

CipherOwner make_cipher() {
  return make_surely<CipherOwner>(EVP_CIPHER_CTX_new);
}

// Appends ciphertext and tag. Only for want of memory can these calls fail.
base::Status encrypt(const MessageKey& message, std::string_view aad, std::string_view text,
                     std::string& out) {
  const int text_size = TRY(counted(text));
  const int aad_size = TRY(counted(aad));
  const CipherOwner cipher = make_cipher();
  const std::size_t start = out.size();
  out.resize(start + text.size() + kHpkeTagBytes);
  auto* const target = reinterpret_cast<unsigned char*>(out.data() + start);
  int done = 0;
  const bool sealed =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                         provisioning::raw(message.key.bytes),
                         provisioning::raw(message.nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &done, raw_text(aad), aad_size) == 1 &&
      (text_size == 0 ||
       EVP_EncryptUpdate(cipher.get(), target, &done, raw_text(text), text_size) == 1) &&
      EVP_EncryptFinal_ex(cipher.get(), target + text.size(), &done) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kHpkeTagBytes,
                          target + text.size()) == 1;
  if (!sealed) return base::exhausted("sealing a text: " + provisioning::openssl_reason());
  return {};
}

base::Result<std::string> decrypt(const MessageKey& message, std::string_view aad,
                                  std::string_view sealed) {
  const std::string_view body = sealed.substr(0, sealed.size() - kHpkeTagBytes);
  std::string tag(sealed.substr(body.size()));
  const int body_size = TRY(counted(body));
  const int aad_size = TRY(counted(aad));
  const CipherOwner cipher = make_cipher();
  std::string text(body.size(), '\0');
  auto* const target = reinterpret_cast<unsigned char*>(text.data());
  int done = 0;
  const bool opened =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                         provisioning::raw(message.key.bytes),
                         provisioning::raw(message.nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &done, raw_text(aad), aad_size) == 1 &&
      (body_size == 0 ||
       EVP_DecryptUpdate(cipher.get(), target, &done, raw_text(body), body_size) == 1) &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kHpkeTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), target + body.size(), &done) == 1;
  if (opened) return text;
  base::wipe(std::as_writable_bytes(std::span(text)));  // what is not authentic is nobody's
  ERR_clear_error();
  return base::denied("sealed to another key, for another request, or changed");
}

}  // namespace

X25519Bytes x25519_public(X25519View private_key) {
  const PkeyOwner key = private_pkey(private_key);
  X25519Bytes out{};
  std::size_t size = out.size();
  CHECK(EVP_PKEY_get_raw_public_key(key.get(), raw_out(out), &size) == 1 && size == out.size());
  return out;
}

base::Status check_x25519_public(X25519View public_key) {
  constexpr X25519Bytes kAny{std::byte{8}};
  SecretBytes<32> shared;
  return diffie_hellman(kAny, public_key, shared);
}

base::Result<std::string> hpke_seal_with(X25519View ephemeral_private, X25519View recipient,
                                         const HpkeContext& context, std::string_view text) {
  SecretBytes<32> shared;
  TRY(diffie_hellman(ephemeral_private, recipient, shared));
  const X25519Bytes enc = x25519_public(ephemeral_private);
  const MessageKey message = schedule_key(shared, as_text(enc), as_text(recipient), context.info);
  std::string out(as_text(enc));
  out.reserve(enc.size() + text.size() + kHpkeTagBytes);
  TRY(encrypt(message, context.aad, text, out));
  return out;
}

base::Result<std::string> hpke_seal(X25519View recipient, const HpkeContext& context,
                                    std::string_view text) {
  SecretBytes<32> ephemeral;
  base::fill_random(ephemeral.bytes);
  return hpke_seal_with(ephemeral.bytes, recipient, context, text);
}

base::Result<std::string> hpke_open(X25519View private_key, const HpkeContext& context,
                                    std::string_view sealed) {
  if (sealed.size() < kX25519Bytes + kHpkeTagBytes) {
    return base::invalid_input("too short for a sealed text");
  }
  const auto enc = std::as_bytes(std::span(sealed)).first<kX25519Bytes>();
  SecretBytes<32> shared;
  TRY(diffie_hellman(private_key, enc, shared));
  const X25519Bytes own = x25519_public(private_key);
  const MessageKey message = schedule_key(shared, as_text(enc), as_text(own), context.info);
  return decrypt(message, context.aad, sealed.substr(kX25519Bytes));
}

}  // namespace daemon_audit
