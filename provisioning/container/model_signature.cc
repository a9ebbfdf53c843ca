#include "provisioning/container/model_signature.h"

#include <fmt/format.h>

#include <span>

#include "hardening/base/hex.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/signatures/dsse.h"

namespace provisioning {
namespace {

constexpr std::string_view kStatementType = "application/vnd.in-toto+json";

// The signer's own files could have been left out by an ignored path, or stand in another order:
// names and digests are what counts.
base::Status compare(const Statement& statement, const Release& release) {
  const Statement expected = model_statement(release);
  for (const Resource& resource : expected.resources) {
    const Resource* const found = statement.find(resource.name);
    if (found == nullptr) return base::denied("does not cover model/" + resource.name);
    if (found->digest != resource.digest) {
      return base::denied(fmt::format("says that model/{} has the SHA-256 {}; the release says {}",
                                      resource.name, base::to_hex(found->digest),
                                      base::to_hex(resource.digest)));
    }
  }
  if (statement.resources.size() != expected.resources.size())
    return base::denied("covers files that the release does not have");
  return {};
}

}  // namespace

Statement model_statement(const Release& release) {
  Statement statement;
  statement.subject = release.name;
  for (const ReleaseFile& file : release.files) {
    if (file.name.starts_with(kModelPrefix)) {
      statement.resources.push_back({file.name.substr(kModelPrefix.size()), file.sha256});
    }
  }
  return statement;
}

base::Result<std::string> sign_model(const Release& release, const SigningKey& key,
                                     std::vector<Der> certificates) {
  Envelope envelope;
  const VerifyKey verify_key = TRY(key.verify_key());
  if (!verify_key.suite().starts_with("ecdsa-")) {
    return base::unsupported(
        fmt::format("model.sig is signed by ECDSA keys alone, not by {}", verify_key.suite()));
  }
  if (certificates.empty()) {
    envelope.hint = verify_key.id();
  } else {
    const CertifiedKey leaf = TRY(read_leaf(certificates.front()));
    if (leaf.key.hint() != verify_key.id())
      return base::denied("the first certificate is of another key");
    envelope.method = SignatureMethod::kCertificate;
    envelope.certificates = std::move(certificates);
  }
  envelope.payload = serialize_statement(model_statement(release));
  const std::string signed_text = dsse_pae(kStatementType, envelope.payload);
  envelope.signature = TRY(key.sign(std::as_bytes(std::span(signed_text))));
  return serialize_envelope(envelope) + "\n";
}

std::size_t model_signature_bytes(const Release& release) {
  constexpr std::size_t kAroundBytes = 1024;  // the envelope, the hint and an ECDSA signature
  const std::size_t payload = serialize_statement(model_statement(release)).size();
  return (payload + 2) / 3 * 4 + kAroundBytes;
}

base::Status check_model_statement(std::string_view signature_text, const Release& release) {
  const auto check = [&]() -> base::Status {
    const Envelope envelope = TRY(parse_envelope(signature_text));
    return compare(TRY(parse_statement(envelope.payload)), release);
  };
  return check().context(kSignatureEntry);
}

base::Result<Signer> verify_model_signature(std::string_view signature_text,
                                            const SignatureTrust& trust, const Release& release) {
  const auto verify = [&]() -> base::Result<Signer> {
    const Envelope envelope = TRY(parse_envelope(signature_text));
    Signer signer = TRY(verify_envelope(envelope, trust));
    TRY(compare(TRY(parse_statement(envelope.payload)), release));
    return signer;
  };
  return verify().context(kSignatureEntry);
}

}  // namespace provisioning
