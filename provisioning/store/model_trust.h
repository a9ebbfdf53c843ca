// Whose model.sig counts, as a trust root says it (BUNDLE.md section 4, `model`), in the form that
// verifies.
#ifndef PROVISIONING_STORE_MODEL_TRUST_H_
#define PROVISIONING_STORE_MODEL_TRUST_H_

#include <cstdint>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/envelope.h"
#include "provisioning/trust/trust_root.h"

namespace provisioning {

// Keeps the keys that a SignatureTrust borrows.
class ModelSignatureTrust {
 public:
  // `time`: the time floor, for certificates. Revoked keys are left out.
  static base::Result<ModelSignatureTrust> create(const TrustRoot& root, std::int64_t time);

  // Lives as long as this.
  SignatureTrust trust() const;

 private:
  std::vector<PublicKey> keys_;
  CertificateTrust certificates_;
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_MODEL_TRUST_H_
