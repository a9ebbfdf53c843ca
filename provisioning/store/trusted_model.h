// A model whose every file somebody we trust has signed: what the engine loads from. Files are
// verified as they are read.
#ifndef PROVISIONING_STORE_TRUSTED_MODEL_H_
#define PROVISIONING_STORE_TRUSTED_MODEL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "hardening/base/verified_weights.h"
#include "provisioning/file_verifier.h"
#include "provisioning/model_directory.h"
#include "provisioning/trust/judgement.h"

namespace provisioning {

class TrustedModel {
 public:
  // A bare model: a directory with the files under their names and the signature over them.
  static base::Result<TrustedModel> open_directory(base::Fd directory,
                                                   std::span<const PublicKey> trusted);
  // The same with a signature that does not stand beside the files.
  static base::Result<TrustedModel> open_directory(base::Fd directory,
                                                   std::string_view signature_text,
                                                   std::span<const PublicKey> trusted);
  // A bare model in the store: `objects` holds files named by their SHA-256 (store/model_store.h).
  static base::Result<TrustedModel> open_bare(base::Fd objects, std::string_view signature_text,
                                              std::span<const PublicKey> trusted);
  // The same by keys or certificates; store/model_trust.h makes a trust root's.
  static base::Result<TrustedModel> open_directory(base::Fd directory, const SignatureTrust& trust);
  static base::Result<TrustedModel> open_bare(base::Fd objects, std::string_view signature_text,
                                              const SignatureTrust& trust);
  // A release in the store. Its signatures are checked against the root in force.
  static base::Result<TrustedModel> open_release(base::Fd objects, std::string_view envelope_text,
                                                 const TrustRoot& root);

  // Names the model wherever bits are promised: the release id, or the root digest of a bare one;
  // hex.
  const std::string& digest() const;
  const std::vector<std::string>& signers() const;  // key ids
  // Of a release, else null.
  const Release* release() const;
  // Names of the files of the model, without "model/".
  std::vector<std::string> model_files() const;

  // `name` as the release says it ("model/x.gguf", "qualify/golden.json"), or as model_files()
  // does. A release's file is verified piece by piece on as many threads as asked for, while it is
  // read; a bare one's on one. kDenied when a byte is wrong; names the piece.
  base::Result<base::VerifiedFile> read(std::string_view name, unsigned threads,
                                        const FileVerifier::Progress& progress = {}) const;
  // Takes over what a former process made of that file: no byte of it is read.
  base::Result<base::VerifiedWeights> inherit(std::string_view name, base::Fd weights) const;

 private:
  TrustedModel() = default;
  static TrustedModel adopt(SignedModel bare, base::Fd objects);

  base::Result<const ReleaseFile*> released_file(std::string_view name) const;
  base::Result<base::VerifiedFile> read_released(const ReleaseFile& file, unsigned threads,
                                                 const FileVerifier::Progress& progress) const;
  base::Result<base::VerifiedFile> read_bare(std::string_view name,
                                             const FileVerifier::Progress& progress) const;

  std::optional<SignedModel> bare_;
  std::optional<JudgedRelease> release_;
  base::Fd objects_;  // not open: the files stand under their names in bare_'s directory
  std::string digest_;
  std::vector<std::string> signers_;
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_TRUSTED_MODEL_H_
