// Whether a release may come in: signatures, site, product, sequence, time, revocation. No file is
// touched.
#ifndef PROVISIONING_TRUST_JUDGEMENT_H_
#define PROVISIONING_TRUST_JUDGEMENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/trust/floors.h"
#include "provisioning/trust/release.h"
#include "provisioning/trust/trust_root.h"

namespace provisioning {

// What the appliance knows of itself.
struct SiteFacts {
  std::string product = "redoubt";
  std::string product_version;        // "0.1.0"
  std::vector<std::string> backends;  // that could run a model here
  std::uint64_t memory_bytes = 0;     // of the machine; 0: unknown
  std::int64_t now = 0;               // the clock, unix seconds
};

// A release that somebody entitled has signed.
struct JudgedRelease {
  Release release;
  std::string id;
  std::string payload;
  std::vector<std::string> signers;   // key ids
  std::vector<std::string> warnings;  // for the operator: expired by the clock, …
  bool repeated = false;              // the very release the floor was last raised by
};

// The signatures alone, and that neither they nor the release are revoked: what is checked again at
// every load, when time and floors no longer matter.
base::Result<JudgedRelease> open_release(std::string_view envelope_text, const TrustRoot& root);

// All of it. kDenied names the rule, what was expected and what was found.
base::Result<JudgedRelease> judge_release(std::string_view envelope_text, const TrustRoot& root,
                                          const Floors& floors, const SiteFacts& site);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_JUDGEMENT_H_
