#include "provisioning/store/model_trust.h"

#include <set>
#include <string>
#include <utility>

namespace provisioning {
namespace {

constexpr std::string_view kReleaseSuiteForModels = "ecdsa-p384-sha384";

std::set<std::string> trusted_key_ids(const TrustRoot& root) {
  std::set<std::string> ids(root.model.key_ids.begin(), root.model.key_ids.end());
  for (const TrustGroup& group : root.release.groups) {
    for (const std::string& id : group.key_ids) {
      const TrustKey* key = root.find(id);
      if (key != nullptr && key->suite == kReleaseSuiteForModels) ids.insert(id);
    }
  }
  for (const std::string& id : root.revoked_keys) ids.erase(id);
  return ids;
}

}  // namespace

base::Result<ModelSignatureTrust> ModelSignatureTrust::create(const TrustRoot& root,
                                                              std::int64_t time) {
  ModelSignatureTrust trust;
  for (const std::string& id : trusted_key_ids(root)) {
    const TrustKey* key = root.find(id);
    if (key == nullptr) return base::invalid_input("the trust root does not hold key " + id);
    trust.keys_.push_back(TRY(PublicKey::parse_pem(key->pem).context("key " + id)));
  }
  trust.certificates_.roots = root.model.certificates;
  trust.certificates_.crls = root.model.crls;
  trust.certificates_.subjects = root.model.subjects;
  trust.certificates_.time_policy =
      root.model.time == "not-before" ? CertificateTime::kNotBefore : CertificateTime::kAt;
  trust.certificates_.time = time;
  return trust;
}

SignatureTrust ModelSignatureTrust::trust() const {
  SignatureTrust trust;
  trust.keys = keys_;
  trust.certificates = certificates_;
  return trust;
}

}  // namespace provisioning
