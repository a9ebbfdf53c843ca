#include "provisioning/signatures/signature_key.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "hardening/base/hex.h"
#include "provisioning/limits.h"
#include "provisioning/sha256.h"
#include "provisioning/signatures/pkcs11.h"
#include "provisioning/signatures/suite.h"

namespace provisioning {

struct VerifyKey::Parts {
  PublicHalf half;
  std::string pem;
  std::string id;
};

struct SigningKey::Parts {
  TokenKey token;  // with no library when the key is of a file
  const PkeyRecipe* recipe;
  VerifyKey verify_key;
  bool in_token;
};

namespace {

base::Result<VerifyKey> make_verify_key(std::span<const std::byte> der) {
  const Spki spki = TRY(parse_spki(der));
  PublicHalf half = TRY(parse_public_half(spki));
  std::string pem = der_to_public_pem(spki.der);
  std::string id = base::to_hex(sha256(pem));
  return VerifyKey(std::make_shared<const VerifyKey::Parts>(
      VerifyKey::Parts{std::move(half), std::move(pem), std::move(id)}));
}

base::Result<Bytes> public_der(const EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  if (size <= 0) return base::invalid_input("public half: " + openssl_reason());
  const auto bytes = std::as_bytes(std::span(encoded, static_cast<std::size_t>(size)));
  Bytes der(bytes.begin(), bytes.end());
  OPENSSL_free(encoded);
  return der;
}

// The suite of a private key is that of its public half.
base::Result<SigningKey> adopt(TokenKey token, bool in_token) {
  VerifyKey verify_key = TRY(make_verify_key(TRY(public_der(token.key.get()))));
  for (const Suite& suite : all_suites()) {
    if (suite.recipe == nullptr || suite.name != verify_key.suite()) continue;
    return SigningKey(std::make_unique<SigningKey::Parts>(
        SigningKey::Parts{std::move(token), suite.recipe, std::move(verify_key), in_token}));
  }
  return base::unsupported(
      fmt::format("{} is verified here, and signed with elsewhere", verify_key.suite()));
}

base::Result<SigningKey> adopt_file(PkeyOwner key) {
  TokenKey token;
  token.key = std::move(key);
  return adopt(std::move(token), false);
}

}  // namespace

std::vector<SuiteSupport> suites_at_hand() {
  std::vector<SuiteSupport> rows;
  for (const Suite& suite : all_suites()) {
    SuiteSupport& row = rows.emplace_back(SuiteSupport{std::string(suite.name), false, false, {}});
    const base::Status known = suite.self_test();
    row.verifies = known.ok();
    row.signs = known.ok() && suite.recipe != nullptr;
    if (!known.ok()) {
      row.why = known.error().message;
    } else if (!row.signs) {
      row.why = "its signing keys count their uses, and belong into a device that does";
    }
  }
  return rows;
}

base::Result<VerifyKey> VerifyKey::parse_pem(std::string_view pem) {
  return make_verify_key(TRY(public_pem_to_der(pem)));
}

const std::string& VerifyKey::suite() const {
  return parts_->half.suite;
}
const std::string& VerifyKey::pem() const {
  return parts_->pem;
}
const std::string& VerifyKey::id() const {
  return parts_->id;
}

base::Status VerifyKey::verify(std::span<const std::byte> message,
                               std::span<const std::byte> signature) const {
  return parts_->half.verifier->verify(message, signature);
}

SigningKey::SigningKey(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

base::Result<SigningKey> SigningKey::generate(std::string_view suite_name) {
  for (const Suite& suite : all_suites()) {
    if (suite.name != suite_name || suite.recipe == nullptr) continue;
    return adopt_file(TRY(generate_pkey(*suite.recipe)));
  }
  return base::unsupported(fmt::format(
      "no keys of suite {} are made here; there are ecdsa-p384-sha384, ed25519 and ml-dsa-87",
      suite_name));
}

base::Result<SigningKey> SigningKey::parse_pem(const base::Secret& pem,
                                               const base::Secret* password) {
  return adopt_file(TRY(read_private_pkey(pem, password)));
}

base::Result<SigningKey> SigningKey::open_uri(std::string_view uri, const base::Secret* pin) {
  return adopt(TRY(open_pkcs11_key(uri, pin)), true);
}

base::Result<VerifyKey> SigningKey::verify_key() const {
  return parts_->verify_key;
}

base::Result<std::vector<std::byte>> SigningKey::sign(std::span<const std::byte> message) const {
  Bytes signature = TRY(sign_with_pkey(*parts_->recipe, parts_->token.key.get(), message));
  // A key file or a token whose two halves do not belong together is found here and not at the
  // closed site; nor does a signature leave that a fault has spoilt, which could give the key away.
  TRY(parts_->verify_key.verify(message, signature)
          .context("a signature just made does not verify"));
  return signature;
}

base::Result<base::Secret> SigningKey::serialize_pem(const base::Secret* password) const {
  if (parts_->in_token) return base::unsupported("the private key stays in its token");
  const BioOwner out = make_bio(BIO_s_secmem());
  const EVP_CIPHER* cipher = password == nullptr ? nullptr : EVP_aes_256_cbc();
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), parts_->token.key.get(), cipher, nullptr, 0,
                                    give_password, as_user_data(password)) != 1) {
    return base::invalid_input("write private key: " + openssl_reason());
  }
  return base::Secret::create(contents_of(out.get()));
}

}  // namespace provisioning
