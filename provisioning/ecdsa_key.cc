#include "provisioning/ecdsa_key.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstring>

#include "hardening/base/check.h"
#include "hardening/base/hex.h"
#include "provisioning/limits.h"
#include "provisioning/openssl_objects.h"
#include "provisioning/sha256.h"

namespace provisioning {
namespace {

struct CurveInfo {
  Curve curve;
  std::string_view name;
  const char* group;  // OpenSSL's name
  const EVP_MD* (*hash)();
};
constexpr std::array<CurveInfo, 3> kCurves{{
    {Curve::kP256, "P-256", "prime256v1", EVP_sha256},
    {Curve::kP384, "P-384", "secp384r1", EVP_sha384},
    {Curve::kP521, "P-521", "secp521r1", EVP_sha512},
}};

const CurveInfo& info_of(Curve curve) {
  return kCurves[static_cast<std::size_t>(curve)];
}

using MdContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;

MdContextPtr make_md_context(decltype(&EVP_DigestSignInit) init, Curve curve, EVP_PKEY* key) {
  return make_surely<MdContextPtr>([=]() -> EVP_MD_CTX* {
    MdContextPtr context(EVP_MD_CTX_new());
    const bool begun = context != nullptr &&
                       init(context.get(), nullptr, info_of(curve).hash(), nullptr, key) == 1;
    return begun ? context.release() : nullptr;
  });
}

base::Result<Curve> curve_of(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
    return base::unsupported("not an elliptic-curve key");
  int spelled_out = 0;
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) !=
          1 ||
      spelled_out != 0) {
    ERR_clear_error();
    return base::unsupported("an elliptic-curve key without a named curve: explicit parameters");
  }
  char group[64] = {};
  std::size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                     &length) != 1) {
    ERR_clear_error();
    return base::unsupported("an elliptic-curve key without a named curve");
  }
  for (const CurveInfo& info : kCurves) {
    if (std::strcmp(group, info.group) == 0) return info.curve;
  }
  return base::unsupported(fmt::format("curve {}; P-256, P-384 and P-521 are supported", group));
}

}  // namespace

void FreePkey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

std::string_view curve_name(Curve curve) {
  return info_of(curve).name;
}

std::optional<Curve> find_curve(std::string_view name) {
  for (const CurveInfo& info : kCurves) {
    if (info.name == name) return info.curve;
  }
  return std::nullopt;
}

PublicKey::PublicKey(PkeyPtr key, Curve curve, std::string pem, std::string hint)
    : key_(std::move(key)), curve_(curve), pem_(std::move(pem)), hint_(std::move(hint)) {}

base::Result<PublicKey> PublicKey::adopt(PkeyPtr key) {
  const Curve curve = TRY(curve_of(key.get()));
  const BioOwner out = make_bio(BIO_s_mem());
  if (PEM_write_bio_PUBKEY(out.get(), key.get()) != 1) return base::invalid_input(openssl_reason());
  const auto text = contents_of(out.get());
  std::string pem(reinterpret_cast<const char*>(text.data()), text.size());
  std::string hint = base::to_hex(sha256(text));
  return PublicKey(std::move(key), curve, std::move(pem), std::move(hint));
}

base::Result<PublicKey> PublicKey::parse_pem(std::string_view pem) {
  if (pem.size() > kKeyFileBytesMax) {
    return base::exhausted(
        fmt::format("public key of {} bytes, limit {}", pem.size(), kKeyFileBytesMax));
  }
  const BioOwner in = make_reader(pem);
  PkeyPtr key(PEM_read_bio_PUBKEY(in.get(), nullptr, give_password, nullptr));
  if (key == nullptr) return base::invalid_input("not a PEM public key: " + openssl_reason());
  return adopt(std::move(key));
}

base::Result<PublicKey> PublicKey::parse_der(std::span<const std::byte> der) {
  if (der.size() > kKeyFileBytesMax) {
    return base::exhausted(
        fmt::format("public key of {} bytes, limit {}", der.size(), kKeyFileBytesMax));
  }
  const unsigned char* at = raw(der);
  PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (key == nullptr) return base::invalid_input("not a public key: " + openssl_reason());
  if (at != raw(der) + der.size()) return base::invalid_input("bytes follow the public key");
  return adopt(std::move(key));
}

base::Status PublicKey::verify(std::span<const std::byte> message,
                               std::span<const std::byte> signature) const {
  const MdContextPtr context = make_md_context(EVP_DigestVerifyInit, curve_, key_.get());
  const int verdict = EVP_DigestVerify(context.get(), raw(signature), signature.size(),
                                       raw(message), message.size());
  ERR_clear_error();
  if (verdict != 1) return base::denied("the signature is not this key's");
  return {};
}

base::Result<PrivateKey> PrivateKey::generate(Curve curve) {
  PkeyPtr key(EVP_EC_gen(info_of(curve).group));
  if (key == nullptr) return base::unsupported("generate key: " + openssl_reason());
  return PrivateKey(std::move(key), curve);
}

base::Result<PrivateKey> PrivateKey::parse_pem(const base::Secret& pem,
                                               const base::Secret* password) {
  PkeyPtr key(TRY(read_private_pkey(pem, password)).release());
  const Curve curve = TRY(curve_of(key.get()));
  return PrivateKey(std::move(key), curve);
}

base::Result<PublicKey> PrivateKey::public_key() const {
  CHECK(EVP_PKEY_up_ref(key_.get()) == 1);
  return PublicKey::adopt(PkeyPtr(key_.get()));
}

base::Result<std::vector<std::byte>> PrivateKey::sign(std::span<const std::byte> message) const {
  const MdContextPtr context = make_md_context(EVP_DigestSignInit, curve_, key_.get());
  std::vector<std::byte> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  std::size_t size = signature.size();
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), out, &size, raw(message), message.size()) != 1) {
    return base::invalid_input("sign: " + openssl_reason());
  }
  signature.resize(size);
  return signature;
}

base::Result<base::Secret> PrivateKey::serialize_pem(const base::Secret* password) const {
  const BioOwner out = make_bio(BIO_s_secmem());
  const EVP_CIPHER* cipher = password == nullptr ? nullptr : EVP_aes_256_cbc();
  auto* user = const_cast<void*>(static_cast<const void*>(password));
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), cipher, nullptr, 0, give_password,
                                    user) != 1) {
    return base::invalid_input("write private key: " + openssl_reason());
  }
  return base::Secret::create(contents_of(out.get()));
}

}  // namespace provisioning
