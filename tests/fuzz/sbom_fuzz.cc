// A bill of materials from anywhere against a release of one model file: what passes names that
// file with its digest.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/container/sbom.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  provisioning::Release release;
  release.name = "assistant";
  release.sequence = 1;
  release.license = "MIT";
  release.files.push_back(
      {.name = "model/x", .size = 0, .sha256 = provisioning::sha256(std::string_view())});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (provisioning::check_sbom(text, release).ok()) {
    const auto json = base::Json::parse(text);  // written plainly: without escapes
    if (!json.ok() ||
        json.value().dump().find(base::to_hex(release.files.front().sha256)) == std::string::npos)
      std::abort();
  }
  if (!provisioning::check_sbom(provisioning::make_sbom(release, {}), release).ok()) std::abort();
  return 0;
}
