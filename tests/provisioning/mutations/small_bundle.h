// A small release of a small site, signed as it has to be, and the archive it makes: what the
// mutations begin with.
#ifndef TESTS_PROVISIONING_MUTATIONS_SMALL_BUNDLE_H_
#define TESTS_PROVISIONING_MUTATIONS_SMALL_BUNDLE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/signatures/signature_key.h"

namespace mutations {

// Two officers of whom both must sign (so that no signature can be spared), and a key for models.
struct SmallSite {
  std::vector<provisioning::SigningKey> officers;
  provisioning::PrivateKey model_key;
  std::string root_text;  // the envelope of its trust root

  static base::Result<SmallSite> create();
};

// The parts of an archive, each free to be changed.
struct Bundle {
  using Member = std::pair<std::string, std::string>;  // name and content

  std::string release;    // the text of release.dsse, without padding
  std::string signature;  // of model.sig
  std::vector<Member> files;

  // A .rdb as BUNDLE.md section 2 has it. Names and sizes are those of the members, whatever the
  // release says.
  std::string archive() const;
  // The id that the release had when it was signed.
  std::string id;
};

// Releases with different sequences have one file in common.
base::Result<Bundle> make_bundle(const SmallSite& site, std::uint64_t sequence);

}  // namespace mutations

#endif  // TESTS_PROVISIONING_MUTATIONS_SMALL_BUNDLE_H_
