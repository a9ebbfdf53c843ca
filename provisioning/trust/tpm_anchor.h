// A counter in a TPM 2.0's non-volatile memory (TPM 2.0 Library, part 3, "Non-volatile Storage"),
// reached through tpm2-tss. Built in where its development files are (libtss2-dev); without them
// everything here says kUnsupported, and why.
//
// A counter's value begins where the highest one of that TPM ever stood: deleting and defining it
// again never turns it back.
#ifndef PROVISIONING_TRUST_TPM_ANCHOR_H_
#define PROVISIONING_TRUST_TPM_ANCHOR_H_

#include <cstdint>
#include <memory>

#include "hardening/base/result.h"
#include "provisioning/trust/anchor.h"

namespace provisioning {

// Connects for each call and lets go again: others need the TPM too.
std::unique_ptr<Anchor> make_tpm_anchor(AnchorSettings settings);

// Defines the counter unless it is there, brings it to its first value, and says where it stands.
// kDenied when something else is at that index, or the TPM's owner has a password.
base::Result<std::uint64_t> create_tpm_counter(const AnchorSettings& settings);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_TPM_ANCHOR_H_
