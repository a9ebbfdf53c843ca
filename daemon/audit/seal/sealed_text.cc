#include "daemon/audit/seal/sealed_text.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <algorithm>

#include "daemon/audit/seal/hpke.h"
#include "daemon/audit/seal/hpke_kdf.h"
#include "hardening/base/check.h"
#include "provisioning/limits.h"
#include "provisioning/openssl_objects.h"

namespace daemon_audit {
namespace {

using provisioning::PkeyOwner;

constexpr std::string_view kHeader = "redoubt-sealed-1\n";
constexpr std::string_view kInfo = "redoubt sealed text 1";
static_assert(kSealedOverheadBytes == kHeader.size() + kX25519Bytes + kHpkeTagBytes);

X25519View key_view(std::string_view bytes) {
  CHECK(bytes.size() == kX25519Bytes);
  return std::as_bytes(std::span(bytes)).first<kX25519Bytes>();
}

base::Status expect_x25519(const EVP_PKEY* key) {
  if (EVP_PKEY_base_id(key) == EVP_PKEY_X25519) return {};
  return base::unsupported("a key to seal texts to is of X25519, this one is not");
}

PkeyOwner pkey_of(const base::Secret& bytes) {
  return provisioning::make_surely<PkeyOwner>([&bytes] {
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr,
                                        provisioning::raw(bytes.expose_bytes()), bytes.size());
  });
}

}  // namespace

base::Result<SealingKey> SealingKey::parse_pem(std::string_view pem) {
  if (pem.size() > provisioning::kKeyFileBytesMax) {
    return base::exhausted(fmt::format("public key of {} bytes, limit {}", pem.size(),
                                       provisioning::kKeyFileBytesMax));
  }
  if (pem.find("PRIVATE KEY-----") != pem.npos) {
    return base::invalid_input(
        "a private key: texts are sealed to the public one, and the private one must not be here");
  }
  const provisioning::BioOwner in = provisioning::make_reader(pem);
  const PkeyOwner key(PEM_read_bio_PUBKEY(in.get(), nullptr, provisioning::give_password, nullptr));
  if (key == nullptr) {
    return base::invalid_input("not a PEM public key: " + provisioning::openssl_reason());
  }
  TRY(expect_x25519(key.get()));
  SealingKey out{std::string(kX25519Bytes, '\0')};
  std::size_t size = out.bytes.size();
  CHECK(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(out.bytes.data()),
                                    &size) == 1 &&
        size == kX25519Bytes);
  TRY(check_x25519_public(key_view(out.bytes)));
  return out;
}

base::Result<OpeningKey> OpeningKey::generate() {
  base::Secret bytes = TRY(base::Secret::create_random(kX25519Bytes));
  return OpeningKey{std::move(bytes)};
}

base::Result<OpeningKey> OpeningKey::parse_pem(std::string_view pem) {
  const base::Secret held = TRY(base::Secret::create(pem));
  const PkeyOwner key = TRY(provisioning::read_private_pkey(held, nullptr));
  TRY(expect_x25519(key.get()));
  SecretBytes<kX25519Bytes> raw;
  std::size_t size = raw.bytes.size();
  CHECK(EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<unsigned char*>(raw.bytes.data()),
                                     &size) == 1 &&
        size == kX25519Bytes);
  base::Secret bytes = TRY(base::Secret::create(raw.bytes));
  return OpeningKey{std::move(bytes)};
}

base::Result<base::Secret> OpeningKey::pem() const {
  const PkeyOwner key = pkey_of(bytes);
  const provisioning::BioOwner out = provisioning::make_bio(BIO_s_secmem());
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return base::exhausted("writing a private key: " + provisioning::openssl_reason());
  }
  return base::Secret::create(provisioning::contents_of(out.get()));
}

base::Result<std::string> OpeningKey::public_pem() const {
  const PkeyOwner key = pkey_of(bytes);
  const provisioning::BioOwner out = provisioning::make_bio(BIO_s_mem());
  if (PEM_write_bio_PUBKEY(out.get(), key.get()) != 1) {
    return base::exhausted("writing a public key: " + provisioning::openssl_reason());
  }
  return std::string(as_text(provisioning::contents_of(out.get())));
}

base::Result<std::string> seal_text(const SealingKey& key, std::string_view request_id,
                                    std::string_view text) {
  if (text.size() > kSealedBytesMax - kSealedOverheadBytes) {
    return base::exhausted(fmt::format("a text of {} bytes, limit of a sealed one {}", text.size(),
                                       kSealedBytesMax - kSealedOverheadBytes));
  }
  std::string sealed =
      TRY(hpke_seal(key_view(key.bytes), {.info = kInfo, .aad = request_id}, text));
  sealed.insert(0, kHeader);
  return sealed;
}

base::Result<std::string> open_text(const OpeningKey& key, std::string_view request_id,
                                    std::string_view sealed) {
  if (sealed.size() > kSealedBytesMax) {
    return base::exhausted(
        fmt::format("a sealed text of {} bytes, limit {}", sealed.size(), kSealedBytesMax));
  }
  if (sealed.size() < kSealedOverheadBytes || !sealed.starts_with(kHeader)) {
    return base::invalid_input("not a sealed text: it does not begin as one");
  }
  return hpke_open(key_view(key.bytes.expose_text()), {.info = kInfo, .aad = request_id},
                   sealed.substr(kHeader.size()));
}

}  // namespace daemon_audit
