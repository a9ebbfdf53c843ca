// In place of tpm_anchor.cc where this is built without tpm2-tss.
#include <fmt/format.h>

#include "provisioning/trust/tpm_anchor.h"

namespace provisioning {
namespace {

base::Error absent() {
  return base::unsupported("this build has no TPM support (libtss2-dev was not there)");
}

// An appliance that was anchored stays so: a build without the means refuses, it does not go on
// without.
class AbsentTpmAnchor final : public Anchor {
 public:
  explicit AbsentTpmAnchor(std::uint32_t nv_index) : nv_index_(nv_index) {}
  std::string describe() const override {
    return fmt::format("tpm2 nv 0x{:08x} (not in this build)", nv_index_);
  }
  base::Result<std::optional<std::uint64_t>> read() override { return absent(); }
  base::Status advance() override { return absent(); }

 private:
  std::uint32_t nv_index_;
};

}  // namespace

std::unique_ptr<Anchor> make_tpm_anchor(AnchorSettings settings) {
  return std::make_unique<AbsentTpmAnchor>(settings.nv_index);
}

base::Result<std::uint64_t> create_tpm_counter(const AnchorSettings&) {
  return absent();
}

}  // namespace provisioning
