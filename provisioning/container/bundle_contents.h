// What is in a bundle: the statement as claimed, and whether the files are those it names. Whose
// signatures count is not asked here.
#ifndef PROVISIONING_CONTAINER_BUNDLE_CONTENTS_H_
#define PROVISIONING_CONTAINER_BUNDLE_CONTENTS_H_

#include <cstddef>
#include <span>
#include <string>

#include "hardening/base/result.h"
#include "provisioning/container/bundle_source.h"
#include "provisioning/file_verifier.h"
#include "provisioning/signatures/dsse.h"
#include "provisioning/trust/release.h"

namespace provisioning {

// Parsed, nothing verified.
struct BundleClaims {
  std::string release_text;
  Dsse envelope;
  Release release;
  std::string id;              // the release id
  std::string signature_text;  // of model.sig; empty: blank or absent
};

base::Result<BundleClaims> parse_claims(std::string release_text);
// The first two entries of a source that nothing was read from.
base::Result<BundleClaims> read_claims(BundleSource& source);

// A file whose text is wanted while it passes by; `text` stays empty when the release has no such
// file.
struct WantedText {
  std::string name;
  std::size_t bytes_max = 0;  // kExhausted beyond
  std::string text;
};

// Reads every file after read_claims(): kDenied, with both digests, at the first that is not what
// the release says, and when anything is behind the last one.
base::Status check_files(BundleSource& source, const Release& release,
                         std::span<WantedText> wanted = {},
                         const FileVerifier::Progress& progress = {});

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_BUNDLE_CONTENTS_H_
