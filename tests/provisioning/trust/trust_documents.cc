#include "tests/provisioning/trust/trust_documents.h"

#include <algorithm>

#include "hardening/base/check.h"
#include "provisioning/utc_time.h"

namespace trust_test {

using namespace provisioning;

Signer make_signer(std::string_view suite) {
  auto key = SigningKey::generate(suite).value();
  const auto verify_key = key.verify_key().value();
  return {std::move(key), verify_key.id(), verify_key.suite(), verify_key.pem()};
}

TrustKey trust_key(const Signer& signer, std::string_view name) {
  return {signer.id, signer.suite, std::string(name), signer.pem};
}

TrustGroup group(std::size_t threshold, const Signers& signers) {
  TrustGroup result{threshold, {}};
  for (const Signer* signer : signers) result.key_ids.push_back(signer->id);
  return result;
}

TrustRoot make_root(const Signers& root_signers, std::size_t root_threshold,
                    const Signers& release_signers, std::size_t release_threshold) {
  TrustRoot root;
  root.version = 1;
  root.issued = at("2026-01-01T00:00:00Z");
  root.site = "alpha-7";
  for (const Signers& signers : {root_signers, release_signers}) {
    for (const Signer* signer : signers) {
      if (root.find(signer->id) == nullptr) root.keys.push_back(trust_key(*signer));
    }
  }
  root.root.groups = {group(root_threshold, root_signers)};
  root.release.groups = {group(release_threshold, release_signers)};
  return root;
}

std::string seal(std::string_view type, std::string_view payload, const Signers& signers) {
  Dsse envelope{std::string(type), std::string(payload), {}};
  for (const Signer* signer : signers) CHECK(add_signature(envelope, signer->key).ok());
  return serialize_dsse(envelope);
}

std::string seal_root(const TrustRoot& root, const Signers& signers) {
  return seal(kRootPayloadType, serialize_trust_root(root).value(), signers);
}

std::string seal_release(const Release& release, const Signers& signers) {
  return seal(kReleasePayloadType, serialize_release(release).value(), signers);
}

ReleaseFile make_file(std::string_view name, std::uint64_t size) {
  ReleaseFile file;
  file.name = name;
  file.size = size;
  file.sha256 = sha256(name);
  file.sha384.fill(std::byte{0x38});
  file.chunks.fill(std::byte{0x4c});
  return file;
}

Release make_release() {
  Release release;
  release.name = "assistant";
  release.sequence = 7;
  release.version = "2026.2";
  release.issued = at("2026-02-01T00:00:00Z");
  release.sites = {"alpha-7"};
  release.license = "Apache-2.0";
  set_files(release, {make_file("model/config.json", 12), make_file("model/x.gguf", 5'000'000'000),
                      make_file("qualify/golden.json", 300)});
  release.golden = "qualify/golden.json";
  return release;
}

void set_files(Release& release, std::vector<ReleaseFile> files) {
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  release.files = std::move(files);
  release.model_root = model_root_of(release.files);
}

SiteFacts make_site() {
  SiteFacts site;
  site.product_version = "0.1.0";
  site.backends = {"cpu"};
  site.memory_bytes = std::uint64_t{16} << 30;
  site.now = at("2026-02-02T00:00:00Z");
  return site;
}

std::int64_t at(std::string_view time) {
  return parse_utc_time(time).value();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t found = text.find(from);
  CHECK(found != text.npos);
  return text.replace(found, from.size(), to);
}

}  // namespace trust_test
