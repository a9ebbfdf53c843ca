// sbom.cdx.json: the bill of materials of a release, CycloneDX 1.6 (ECMA-424) with a
// machine-learning-model component. What it says of files is checked against the release;
// everything else is its author's word.
#ifndef PROVISIONING_CONTAINER_SBOM_H_
#define PROVISIONING_CONTAINER_SBOM_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/trust/release.h"

namespace provisioning {

inline constexpr std::size_t kSbomBytesMax = 32u << 20;

// A bar that the model has to reach at the closed site: an evaluation set's, as the release carries
// it.
struct SbomMetric {
  std::string kind;     // "exact", …
  std::string set;      // the set's name
  std::string minimum;  // as written there
};

// The same release and metrics give the same bytes; digests of another value, a text of the same
// length. The file of the bill itself may be among the release's and is left out.
std::string make_sbom(const Release& release, const std::vector<SbomMetric>& metrics);

// kDenied unless it names every file below model/ once with its SHA-256, and no other file. Other
// members are not looked at.
base::Status check_sbom(std::string_view text, const Release& release);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_SBOM_H_
