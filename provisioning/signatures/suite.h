// What one suite is made of; the table of all of them stands in suite.cc. For the sources of this
// folder.
#ifndef PROVISIONING_SIGNATURES_SUITE_H_
#define PROVISIONING_SIGNATURES_SUITE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "provisioning/openssl_objects.h"
#include "provisioning/signatures/spki.h"

namespace provisioning {

class Verifier {
 public:
  virtual ~Verifier() = default;
  // As VerifyKey::verify. Any thread.
  virtual base::Status verify(std::span<const std::byte> message,
                              std::span<const std::byte> signature) const = 0;
};

struct PublicHalf {
  std::string suite;
  std::unique_ptr<const Verifier> verifier;
};

// How OpenSSL is asked for a suite that it has.
struct PkeyRecipe {
  std::string_view suite;
  const char* type;   // OpenSSL's name of the key type
  const char* group;  // of an elliptic curve; null for other types
  const char* hash;   // null where the algorithm brings its own
};

struct Suite {
  std::string_view name;       // "lms" for that family
  std::string_view algorithm;  // contents of the object identifier in a public key
  base::Result<PublicHalf> (*parse)(const Spki& spki);
  const PkeyRecipe* recipe;  // null: OpenSSL does not do it, and neither do we sign with it
  base::Status (*self_test)();
};
std::span<const Suite> all_suites();

// kUnsupported names the algorithm when no suite has it.
base::Result<PublicHalf> parse_public_half(const Spki& spki);

base::Result<PublicHalf> parse_ecdsa_key(const Spki& spki);
base::Result<PublicHalf> parse_ed25519_key(const Spki& spki);
base::Result<PublicHalf> parse_ml_dsa_key(const Spki& spki);
base::Result<PublicHalf> parse_lms_key(const Spki& spki);

// Known answers: a published signature verifies, and does not once a bit of it is flipped.
base::Status self_test_ecdsa();
base::Status self_test_ed25519();
base::Status self_test_ml_dsa();
base::Status self_test_lms();

extern const PkeyRecipe kEcdsaRecipe;
extern const PkeyRecipe kEd25519Recipe;
extern const PkeyRecipe kMlDsaRecipe;

// The key as OpenSSL reads it. Where it does not know the algorithm, the verifier says kUnsupported
// to everything.
base::Result<PublicHalf> make_pkey_half(const PkeyRecipe& recipe, const Spki& spki);
base::Result<PkeyOwner> generate_pkey(const PkeyRecipe& recipe);
base::Result<Bytes> sign_with_pkey(const PkeyRecipe& recipe, EVP_PKEY* key,
                                   std::span<const std::byte> message);
base::Status verify_with_pkey(const PkeyRecipe& recipe, EVP_PKEY* key,
                              std::span<const std::byte> message,
                              std::span<const std::byte> signature);
bool openssl_has(const PkeyRecipe& recipe);

// One known answer: hex of a public key's SubjectPublicKeyInfo, of a message and of its signature.
base::Status check_known_answer(std::string_view spki, std::string_view message,
                                std::string_view signature);

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_SUITE_H_
