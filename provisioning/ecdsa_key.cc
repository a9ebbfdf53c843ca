#include "provisioning/ecdsa_key.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <array>
#include <cstring>

#include "hardening/base/check.h"
#include "hardening/base/hex.h"
#include "hardening/base/memory_reserve.h"
#include "provisioning/limits.h"
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

const CurveInfo& info_of(Curve curve) { return kCurves[static_cast<std::size_t>(curve)]; }

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

struct FreeMdContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using MdContextPtr = std::unique_ptr<EVP_MD_CTX, FreeMdContext>;

// What an OpenSSL function makes that fails for want of memory alone: the reserve is spent then, as `new` would.
template <typename Pointer, typename Make>
Pointer make_surely(Make make) {
  Pointer made(make());
  if (made == nullptr) {
    base::spend_memory_reserve();
    made.reset(make());
  }
  CHECK(made != nullptr);
  return made;
}

BioPtr make_bio(const BIO_METHOD* method) {
  return make_surely<BioPtr>([method] { return BIO_new(method); });
}

BioPtr make_reader(std::string_view text) {
  const char* const begin = text.empty() ? "" : text.data();  // null would be refused
  return make_surely<BioPtr>([=] { return BIO_new_mem_buf(begin, static_cast<int>(text.size())); });
}

MdContextPtr make_md_context(decltype(&EVP_DigestSignInit) init, Curve curve, EVP_PKEY* key) {
  return make_surely<MdContextPtr>([=]() -> EVP_MD_CTX* {
    MdContextPtr context(EVP_MD_CTX_new());
    const bool begun =
        context != nullptr && init(context.get(), nullptr, info_of(curve).hash(), nullptr, key) == 1;
    return begun ? context.release() : nullptr;
  });
}

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The newest OpenSSL error as text; empties the queue, so that the next failure tells its own story.
std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason == nullptr ? "no reason given" : reason;
  ERR_clear_error();
  return text;
}

base::Result<Curve> curve_of(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return base::unsupported("not an elliptic-curve key");
  char group[64] = {};
  std::size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &length) != 1) {
    ERR_clear_error();
    return base::unsupported("an elliptic-curve key without a named curve");
  }
  for (const CurveInfo& info : kCurves) {
    if (std::strcmp(group, info.group) == 0) return info.curve;
  }
  return base::unsupported(fmt::format("curve {}; P-256, P-384 and P-521 are supported", group));
}

// Hands the password over; without one says "empty" instead of asking the terminal, OpenSSL's default.
int give_password(char* buffer, int size, int, void* user) {
  const auto* password = static_cast<const base::Secret*>(user);
  if (password == nullptr || password->size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, password->expose_bytes().data(), password->size());
  return static_cast<int>(password->size());
}

std::span<const std::byte> contents_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::as_bytes(std::span(data, static_cast<std::size_t>(size)));
}

}  // namespace

void FreePkey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::string_view curve_name(Curve curve) { return info_of(curve).name; }

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
  const BioPtr out = make_bio(BIO_s_mem());
  if (PEM_write_bio_PUBKEY(out.get(), key.get()) != 1) return base::invalid_input(openssl_reason());
  const auto text = contents_of(out.get());
  std::string pem(reinterpret_cast<const char*>(text.data()), text.size());
  std::string hint = base::to_hex(sha256(text));
  return PublicKey(std::move(key), curve, std::move(pem), std::move(hint));
}

base::Result<PublicKey> PublicKey::parse_pem(std::string_view pem) {
  if (pem.size() > kKeyFileBytesMax) {
    return base::exhausted(fmt::format("public key of {} bytes, limit {}", pem.size(), kKeyFileBytesMax));
  }
  const BioPtr in = make_reader(pem);
  PkeyPtr key(PEM_read_bio_PUBKEY(in.get(), nullptr, give_password, nullptr));
  if (key == nullptr) return base::invalid_input("not a PEM public key: " + openssl_reason());
  return adopt(std::move(key));
}

base::Status PublicKey::verify(std::span<const std::byte> message, std::span<const std::byte> signature) const {
  const MdContextPtr context = make_md_context(EVP_DigestVerifyInit, curve_, key_.get());
  const int verdict = EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size());
  ERR_clear_error();
  if (verdict != 1) return base::denied("the signature is not this key's");
  return {};
}

base::Result<PrivateKey> PrivateKey::generate(Curve curve) {
  PkeyPtr key(EVP_EC_gen(info_of(curve).group));
  if (key == nullptr) return base::unsupported("generate key: " + openssl_reason());
  return PrivateKey(std::move(key), curve);
}

base::Result<PrivateKey> PrivateKey::parse_pem(const base::Secret& pem, const base::Secret* password) {
  if (pem.size() > kKeyFileBytesMax) {
    return base::exhausted(fmt::format("private key of {} bytes, limit {}", pem.size(), kKeyFileBytesMax));
  }
  const BioPtr in = make_reader(pem.expose_text());
  auto* user = const_cast<void*>(static_cast<const void*>(password));  // OpenSSL's callback type is not const
  PkeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, give_password, user));
  if (key == nullptr) {
    const bool encrypted = pem.expose_text().find("ENCRYPTED") != std::string_view::npos;
    const std::string reason = openssl_reason();
    if (encrypted) return base::denied("the private key is encrypted and the password is missing or wrong");
    return base::invalid_input("not a PEM private key: " + reason);
  }
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
  const BioPtr out = make_bio(BIO_s_secmem());
  const EVP_CIPHER* cipher = password == nullptr ? nullptr : EVP_aes_256_cbc();
  auto* user = const_cast<void*>(static_cast<const void*>(password));
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), cipher, nullptr, 0, give_password, user) != 1) {
    return base::invalid_input("write private key: " + openssl_reason());
  }
  return base::Secret::create(contents_of(out.get()));
}

}  // namespace provisioning
