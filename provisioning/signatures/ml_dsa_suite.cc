// ml-dsa-87: FIPS 204, pure, with an empty context; keys as in RFC 9881. OpenSSL has it from 3.5 on
// and is asked by name at run time, so that one binary does with either.
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <array>

#include "hardening/base/hex.h"
#include "provisioning/sha256.h"
#include "provisioning/signatures/suite.h"

namespace provisioning {
namespace {

constexpr std::size_t kKeyBytes = 2592;
constexpr std::size_t kSeedBytes = 32;

// The key pair that FIPS 204 (algorithm 6) makes of the seed 00 01 … 1f.
base::Result<PkeyOwner> derive_known_key() {
  std::array<unsigned char, kSeedBytes> seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<unsigned char>(i);
  const PkeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, kMlDsaRecipe.type, nullptr));
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string("seed", seed.data(), seed.size()),
                               OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_params(context.get(), params) != 1 ||
      EVP_PKEY_generate(context.get(), &key) != 1) {
    return base::unsupported("ml-dsa-87 key of a seed: " + openssl_reason());
  }
  return PkeyOwner(key);
}

// The deterministic signature of a message (FIPS 204, algorithm 2 with rnd = 0).
base::Result<Bytes> sign_deterministically(EVP_PKEY* key, std::span<const std::byte> message) {
  int yes = 1;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_int("deterministic", &yes),
                               OSSL_PARAM_construct_end()};
  const MdContextOwner context = make_surely<MdContextOwner>(EVP_MD_CTX_new);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes signature(size);
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key, params) != 1 ||
      EVP_DigestSign(context.get(), out, &size, raw(message), message.size()) != 1) {
    return base::unsupported("ml-dsa-87 signature: " + openssl_reason());
  }
  signature.resize(size);
  return signature;
}

base::Status expect_digest(std::span<const std::byte> bytes, std::string_view expected,
                           std::string_view what) {
  if (base::to_hex(sha256(bytes)) == expected) return {};
  return base::corrupt(fmt::format("known answer: the {} is another", what));
}

}  // namespace

const PkeyRecipe kMlDsaRecipe{"ml-dsa-87", "ML-DSA-87", nullptr, nullptr};

base::Result<PublicHalf> parse_ml_dsa_key(const Spki& spki) {
  if (!spki.parameters.empty()) return base::invalid_input("an ML-DSA-87 key with parameters");
  if (spki.key.size() != kKeyBytes) {
    return base::invalid_input(
        fmt::format("an ML-DSA-87 key of {} bytes, not {}", spki.key.size(), kKeyBytes));
  }
  return make_pkey_half(kMlDsaRecipe, spki);
}

// The answers are those of an implementation of FIPS 204 in Python (dilithium-py), of which OpenSSL
// knows nothing. They stand here as digests, since key and signature have 7 KiB.
base::Status self_test_ml_dsa() {
  if (!openssl_has(kMlDsaRecipe)) {
    return base::unsupported(
        fmt::format("comes with OpenSSL 3.5; this is {}", OpenSSL_version(OPENSSL_VERSION_STRING)));
  }
  const PkeyOwner key = TRY(derive_known_key());
  Bytes point(kKeyBytes);
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                      reinterpret_cast<unsigned char*>(point.data()), point.size(),
                                      &size) != 1) {
    return base::unsupported("ml-dsa-87 public key: " + openssl_reason());
  }
  TRY(expect_digest(point, "91dc389cfaa01470b7f66eee45a4ae9026d154817c754dfe22298b3fa241ffcd",
                    "public key"));

  const auto message = std::as_bytes(std::span(std::string_view("sample")));
  Bytes signature = TRY(sign_deterministically(key.get(), message));
  TRY(expect_digest(signature, "7b885d69151f039733b365170eb5aa2db2b643912a39ba8e212f83796fbd10db",
                    "signature"));

  TRY(verify_with_pkey(kMlDsaRecipe, key.get(), message, signature).context("known answer"));
  signature.back() ^= std::byte{1};
  if (verify_with_pkey(kMlDsaRecipe, key.get(), message, signature).ok()) {
    return base::corrupt("known answer: a changed signature verifies");
  }
  return {};
}

}  // namespace provisioning
