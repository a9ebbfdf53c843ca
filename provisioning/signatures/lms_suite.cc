// lms-… and hss…: keys as in RFC 9708, where the bit string holds the HSS public key of RFC 8554 as
// it is.
#include "provisioning/signatures/lms.h"
#include "provisioning/signatures/suite.h"

namespace provisioning {
namespace {

class LmsVerifier : public Verifier {
 public:
  explicit LmsVerifier(const HssPublicKey& key) : key_(key) {}
  base::Status verify(std::span<const std::byte> message,
                      std::span<const std::byte> signature) const override {
    return key_.verify(message, signature);
  }

 private:
  HssPublicKey key_;
};

}  // namespace

base::Result<PublicHalf> parse_lms_key(const Spki& spki) {
  if (!spki.parameters.empty()) return base::invalid_input("an LMS key with parameters");
  const HssPublicKey key = TRY(HssPublicKey::parse(spki.key).context("LMS key"));
  return PublicHalf{key.suite(), std::make_unique<const LmsVerifier>(key)};
}

}  // namespace provisioning
