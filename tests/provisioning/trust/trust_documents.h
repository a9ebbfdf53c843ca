// Keys, roots and releases for the tests of trust: well-formed by default, each test spoils what it
// is about.
#ifndef TESTS_PROVISIONING_TRUST_TRUST_DOCUMENTS_H_
#define TESTS_PROVISIONING_TRUST_TRUST_DOCUMENTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "provisioning/signatures/dsse.h"
#include "provisioning/trust/judgement.h"
#include "provisioning/trust/release.h"
#include "provisioning/trust/trust_root.h"

namespace trust_test {

// A key pair with its id at hand. Made once a test program: generating is cheap, not free.
struct Signer {
  provisioning::SigningKey key;
  std::string id;
  std::string suite;
  std::string pem;
};
Signer make_signer(std::string_view suite = "ecdsa-p384-sha384");
provisioning::TrustKey trust_key(const Signer& signer, std::string_view name = "officer");

using Signers = std::vector<const Signer*>;

provisioning::TrustGroup group(std::size_t threshold, const Signers& signers);

// Version 1 of site alpha-7, issued on 2026-01-01: `root` and `release` are one group each.
provisioning::TrustRoot make_root(const Signers& root, std::size_t root_threshold,
                                  const Signers& release, std::size_t release_threshold);

// The envelope's text, signed by each.
std::string seal(std::string_view type, std::string_view payload, const Signers& signers);
std::string seal_root(const provisioning::TrustRoot& root, const Signers& signers);
std::string seal_release(const provisioning::Release& release, const Signers& signers);

provisioning::ReleaseFile make_file(std::string_view name, std::uint64_t size = 1);
// "assistant" 7 for site alpha-7, issued on 2026-02-01, with two model files.
provisioning::Release make_release();
void set_files(provisioning::Release& release,
               std::vector<provisioning::ReleaseFile> files);  // and the model's root

// A machine that make_release() suits, on 2026-02-02.
provisioning::SiteFacts make_site();

std::int64_t at(std::string_view time);  // "2026-01-01T00:00:00Z"

// "code: message" of a failure; "ok" otherwise.
template <typename T>
std::string outcome(const base::Result<T>& result) {
  if (result.ok()) return "ok";
  return std::string(base::error_code_name(result.error().code)) + ": " + result.error().message;
}

// `text` with the first `from` replaced; aborts when there is none, so that no test spoils nothing.
std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace trust_test

#endif  // TESTS_PROVISIONING_TRUST_TRUST_DOCUMENTS_H_
