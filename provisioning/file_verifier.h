// The one place where a base::VerifiedFile is made, and base::VerifiedWeights are taken over.
#ifndef PROVISIONING_FILE_VERIFIER_H_
#define PROVISIONING_FILE_VERIFIER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "hardening/base/verified_weights.h"
#include "provisioning/sha256.h"

namespace provisioning {

class FileVerifier {
 public:
  // Called now and then with the bytes read so far and in all.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

  // Reads the file once, into private memory, hashing on the way; kDenied when its digest is not `expected`.
  static base::Result<base::VerifiedFile> read(const base::Fd& file, std::string name, const Sha256Digest& expected,
                                               const Progress& progress = {});

  // Takes over weights that a former process made of the file with that digest and sealed, in its stead: nothing of
  // the file is read. Errors as of base::VerifiedWeights::inherit.
  static base::Result<base::VerifiedWeights> inherit(base::Fd weights, const Sha256Digest& expected) {
    return base::VerifiedWeights::inherit({}, std::move(weights), expected);
  }
};

}  // namespace provisioning

#endif  // PROVISIONING_FILE_VERIFIER_H_
