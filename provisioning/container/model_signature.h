// model.sig of a release: the OpenSSF Model Signing statement that says of the files below model/
// what the release says. provisioning/BUNDLE.md section 6.
#ifndef PROVISIONING_CONTAINER_MODEL_SIGNATURE_H_
#define PROVISIONING_CONTAINER_MODEL_SIGNATURE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/envelope.h"
#include "provisioning/signatures/signature_key.h"
#include "provisioning/statement.h"
#include "provisioning/trust/release.h"

namespace provisioning {

// Over the files below model/, named without it, as the reference tool names them when it is given
// that directory.
Statement model_statement(const Release& release);

// The text of a model.sig. The key is one of ECDSA; with certificates (leaf first) the method is
// theirs, and the leaf is of this key, else kDenied.
base::Result<std::string> sign_model(const Release& release, const SigningKey& key,
                                     std::vector<Der> certificates);

// How long sign_model()'s text comes out by method "key", at most; the digests need not be known
// yet.
std::size_t model_signature_bytes(const Release& release);

// Whether a signature's text speaks of these very files; who made it is not looked at.
base::Status check_model_statement(std::string_view signature_text, const Release& release);

// kDenied unless somebody trusted signed it and it speaks of the files of the release.
base::Result<Signer> verify_model_signature(std::string_view signature_text,
                                            const SignatureTrust& trust, const Release& release);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_MODEL_SIGNATURE_H_
