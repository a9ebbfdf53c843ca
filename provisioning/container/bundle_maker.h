// Makes an unsigned bundle out of a model and what is said of it, reading each file once. The same
// input and the same statement give the same bytes, whoever makes it. provisioning/BUNDLE.md
// sections 1 to 3.
#ifndef PROVISIONING_CONTAINER_BUNDLE_MAKER_H_
#define PROVISIONING_CONTAINER_BUNDLE_MAKER_H_

#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/container/sbom.h"
#include "provisioning/file_verifier.h"
#include "provisioning/trust/release.h"

namespace provisioning {

struct BundleInputs {
  std::vector<std::string> models;       // one directory with all its files, or single files
  std::string golden;                    // a file; empty: none
  std::vector<std::string> evaluations;  // files
  std::string sbom;                      // a file; empty: one is made
  std::vector<SbomMetric> metrics;       // for the one that is made
};

struct MadeBundle {
  Release release;
  std::string id;               // the release id
  bool kept_signature = false;  // the model directory's own model.sig came along
};

enum class BundleForm { kArchive, kDirectory };

// `claims` holds what is said of the release; model_root, files, golden and evaluations are filled
// here. A model.sig in the model's directory comes along when it covers just these files, and is an
// error when it does not. kInvalidInput when the release would not be taken anywhere (names,
// counts, texts), before any file is read.
base::Result<MadeBundle> make_bundle(const BundleInputs& inputs, Release claims,
                                     const std::string& path, BundleForm form,
                                     const FileVerifier::Progress& progress = {});

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_BUNDLE_MAKER_H_
