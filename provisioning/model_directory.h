// A directory with a model and its model.sig: signed at the connected site, proven at the closed
// one.
#ifndef PROVISIONING_MODEL_DIRECTORY_H_
#define PROVISIONING_MODEL_DIRECTORY_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "hardening/base/verified_weights.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/envelope.h"
#include "provisioning/file_verifier.h"
#include "provisioning/statement.h"

namespace provisioning {

inline constexpr std::string_view kSignatureFileName = "model.sig";

// Every regular file below the directory, in code-point order, but for those at or below an ignored
// path. Refuses symbolic links, devices and the like, names that are not UTF-8, and trees beyond
// the limits.
base::Result<std::vector<std::string>> list_files(const base::Fd& directory,
                                                  std::span<const std::string> ignore_paths);

// Hashes the directory's files and says so in a statement named `subject`. Git's own files at the
// top level and model.sig itself are left out and listed as ignored, as the reference tool does.
base::Result<Statement> describe_directory(const base::Fd& directory, std::string subject,
                                           const FileVerifier::Progress& progress = {});

// A model directory whose signature was verified; its files are hashed as they are read.
class SignedModel {
 public:
  // Parses and verifies the signature text. No other file is touched.
  static base::Result<SignedModel> open(base::Fd directory, std::string_view signature_text,
                                        const SignatureTrust& trust);
  static base::Result<SignedModel> open(base::Fd directory, std::string_view signature_text,
                                        std::span<const PublicKey> trusted);
  // The same with the text of model.sig in the directory.
  static base::Result<SignedModel> open(base::Fd directory, std::span<const PublicKey> trusted);

  const Statement& statement() const { return statement_; }
  const std::string& signature_text() const { return signature_text_; }
  const Signer& signer() const { return signer_; }
  const std::string& signer_hint() const { return signer_.id; }
  const base::Fd& directory() const { return directory_; }

  // Reads a file the statement names into memory; kDenied when its bytes are not those that were
  // signed.
  base::Result<base::VerifiedFile> read(std::string_view name,
                                        const FileVerifier::Progress& progress = {}) const;

  // Takes over what a former process made of that file: no byte of it is read. kDenied when the
  // statement does not name the file, or the weights are not sealed or of another.
  base::Result<base::VerifiedWeights> inherit(std::string_view name, base::Fd weights) const;

  // Hashes every file and looks for files the statement does not name (kDenied, naming the first).
  base::Status verify_all(const FileVerifier::Progress& progress = {}) const;

 private:
  SignedModel(base::Fd directory, Statement statement, std::string signature_text, Signer signer);

  base::Result<const Resource*> signed_file(std::string_view name) const;

  base::Fd directory_;
  Statement statement_;
  std::string signature_text_;
  Signer signer_;
};

}  // namespace provisioning

#endif  // PROVISIONING_MODEL_DIRECTORY_H_
