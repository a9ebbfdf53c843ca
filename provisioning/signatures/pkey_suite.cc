// The part that the suites of OpenSSL share: they differ in names alone.
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "provisioning/signatures/suite.h"

namespace provisioning {
namespace {

base::Error not_at_hand(const PkeyRecipe& recipe) {
  return base::unsupported(fmt::format("{} is not in the OpenSSL at hand ({})", recipe.suite,
                                       OpenSSL_version(OPENSSL_VERSION_STRING)));
}

// Signing or verifying, begun; null when OpenSSL does not do this with this key.
MdContextOwner begin(decltype(&EVP_DigestSignInit_ex) init, const PkeyRecipe& recipe,
                     EVP_PKEY* key) {
  MdContextOwner context = make_surely<MdContextOwner>(EVP_MD_CTX_new);
  if (init(context.get(), nullptr, recipe.hash, nullptr, nullptr, key, nullptr) != 1)
    return nullptr;
  return context;
}

class PkeyVerifier : public Verifier {
 public:
  PkeyVerifier(const PkeyRecipe& recipe, PkeyOwner key) : recipe_(recipe), key_(std::move(key)) {}

  base::Status verify(std::span<const std::byte> message,
                      std::span<const std::byte> signature) const override {
    return verify_with_pkey(recipe_, key_.get(), message, signature);
  }

 private:
  const PkeyRecipe& recipe_;  // a constant of the program
  PkeyOwner key_;
};

// A key whose algorithm this OpenSSL does not have.
class AbsentVerifier : public Verifier {
 public:
  explicit AbsentVerifier(const PkeyRecipe& recipe) : recipe_(recipe) {}
  base::Status verify(std::span<const std::byte>, std::span<const std::byte>) const override {
    return not_at_hand(recipe_);
  }

 private:
  const PkeyRecipe& recipe_;
};

}  // namespace

base::Status verify_with_pkey(const PkeyRecipe& recipe, EVP_PKEY* key,
                              std::span<const std::byte> message,
                              std::span<const std::byte> signature) {
  const MdContextOwner context = begin(EVP_DigestVerifyInit_ex, recipe, key);
  if (context == nullptr)
    return base::unsupported(fmt::format("{}: {}", recipe.suite, openssl_reason()));
  const int verdict = EVP_DigestVerify(context.get(), raw(signature), signature.size(),
                                       raw(message), message.size());
  ERR_clear_error();
  if (verdict != 1) return base::denied("the signature is not this key's");
  return {};
}

bool openssl_has(const PkeyRecipe& recipe) {
  const PkeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, recipe.type, nullptr));
  const bool has = context != nullptr && EVP_PKEY_keygen_init(context.get()) == 1;
  ERR_clear_error();
  return has;
}

base::Result<PublicHalf> make_pkey_half(const PkeyRecipe& recipe, const Spki& spki) {
  PublicHalf half{std::string(recipe.suite), nullptr};
  if (!openssl_has(recipe)) {
    half.verifier = std::make_unique<const AbsentVerifier>(recipe);
    return half;
  }
  const unsigned char* at = raw(spki.der);
  PkeyOwner key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.der.size())));
  if (key == nullptr)
    return base::invalid_input(fmt::format("{} key: {}", recipe.suite, openssl_reason()));
  half.verifier = std::make_unique<const PkeyVerifier>(recipe, std::move(key));
  return half;
}

base::Result<PkeyOwner> generate_pkey(const PkeyRecipe& recipe) {
  const PkeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, recipe.type, nullptr));
  if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1) {
    ERR_clear_error();
    return not_at_hand(recipe);
  }
  if (recipe.group != nullptr) {
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         const_cast<char*>(recipe.group), 0),
        OSSL_PARAM_construct_end()};
    if (EVP_PKEY_CTX_set_params(context.get(), params) != 1)
      return base::unsupported(openssl_reason());
  }
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_generate(context.get(), &key) != 1)
    return base::unsupported("generate key: " + openssl_reason());
  return PkeyOwner(key);
}

base::Result<Bytes> sign_with_pkey(const PkeyRecipe& recipe, EVP_PKEY* key,
                                   std::span<const std::byte> message) {
  const MdContextOwner context = begin(EVP_DigestSignInit_ex, recipe, key);
  if (context == nullptr)
    return base::unsupported(fmt::format("sign with {}: {}", recipe.suite, openssl_reason()));
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes signature(size);
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), out, &size, raw(message), message.size()) != 1) {
    return base::invalid_input("sign: " + openssl_reason());
  }
  signature.resize(size);
  return signature;
}

}  // namespace provisioning
