#include "tests/provisioning/mutations/small_bundle.h"

#include <fmt/format.h>

#include <utility>

#include "hardening/base/hex.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/multi_hash.h"
#include "provisioning/container/sbom.h"
#include "provisioning/container/tar_profile.h"
#include "provisioning/envelope.h"
#include "provisioning/signatures/dsse.h"
#include "provisioning/statement.h"
#include "provisioning/trust/release.h"
#include "provisioning/trust/trust_root.h"

namespace mutations {
namespace {

using provisioning::Release;
using provisioning::ReleaseFile;

constexpr std::int64_t kIssued = 1'795'000'000;

base::Result<std::string> sign(provisioning::Dsse envelope,
                               const std::vector<provisioning::SigningKey>& keys) {
  for (const auto& key : keys) TRY(provisioning::add_signature(envelope, key));
  return provisioning::serialize_dsse(envelope);
}

ReleaseFile describe(const Bundle::Member& member) {
  provisioning::MultiHash hash;
  hash.update(std::as_bytes(std::span(member.second)));
  const provisioning::FileDigests digests = hash.finish();
  return {member.first, digests.bytes, digests.sha256, digests.sha384, digests.chunks_digest};
}

provisioning::Statement describe_model(const Release& release) {
  provisioning::Statement statement;
  statement.subject = release.name;
  for (const ReleaseFile& file : release.files) {
    if (!file.name.starts_with(provisioning::kModelPrefix)) continue;
    statement.resources.push_back(
        {file.name.substr(provisioning::kModelPrefix.size()), file.sha256});
  }
  return statement;
}

void append_member(std::string& out, const std::string& name, std::string_view content) {
  out += provisioning::encode_tar_header(name, content.size());
  out += content;
  out.append(provisioning::tar_padding(content.size()), '\0');
}

std::string padded(std::string text, std::size_t least) {
  text.resize(provisioning::padded_bytes(text.size(), least), ' ');
  return text;
}

}  // namespace

base::Result<SmallSite> SmallSite::create() {
  provisioning::TrustRoot root;
  root.version = 1;
  root.issued = kIssued;
  root.site = "alpha-7";
  SmallSite site{{}, TRY(provisioning::PrivateKey::generate(provisioning::Curve::kP256)), {}};
  provisioning::TrustGroup officers{2, {}};
  for (int i = 0; i < 2; ++i) {
    site.officers.push_back(TRY(provisioning::SigningKey::generate("ecdsa-p384-sha384")));
    const auto key = TRY(site.officers.back().verify_key());
    root.keys.push_back({key.id(), key.suite(), fmt::format("officer {}", i + 1), key.pem()});
    officers.key_ids.push_back(key.id());
  }
  const auto model_key = TRY(site.model_key.public_key());
  root.keys.push_back({model_key.hint(), "ecdsa-p256-sha256", "model", model_key.pem()});
  root.root.groups = {officers};
  root.release.groups = {officers};
  root.model.key_ids = {model_key.hint()};
  const std::string payload = TRY(provisioning::serialize_trust_root(root));
  site.root_text =
      TRY(sign({std::string(provisioning::kRootPayloadType), payload, {}}, site.officers));
  return site;
}

base::Result<Bundle> make_bundle(const SmallSite& site, std::uint64_t sequence) {
  Bundle bundle;
  bundle.files = {{"model/config.json", R"({"same":true})"},
                  {"model/notes.txt", fmt::format("sequence {}\n", sequence)},
                  {"model/weights.bin", std::string(3000, static_cast<char>(sequence))}};
  Release release;
  release.name = "assistant";
  release.sequence = sequence;
  release.version = "2026.11";
  release.issued = kIssued;
  release.license = "Apache-2.0";
  for (const auto& member : bundle.files) release.files.push_back(describe(member));
  release.model_root = provisioning::model_root_of(release.files);
  bundle.files.emplace_back(provisioning::kSbomEntry, provisioning::make_sbom(release, {}));
  release.files.push_back(describe(bundle.files.back()));

  const std::string payload = TRY(provisioning::serialize_release(release));
  bundle.id = provisioning::release_id(payload);
  bundle.release =
      TRY(sign({std::string(provisioning::kReleasePayloadType), payload, {}}, site.officers));
  const std::string statement = provisioning::serialize_statement(describe_model(release));
  bundle.signature =
      provisioning::serialize_envelope(TRY(provisioning::seal_payload(statement, site.model_key)));
  return bundle;
}

std::string Bundle::archive() const {
  std::string out;
  append_member(out, std::string(provisioning::kReleaseEntry),
                padded(release, provisioning::kReleaseRoomBytes));
  append_member(out, std::string(provisioning::kSignatureEntry),
                padded(signature, provisioning::kSignatureRoomBytes));
  for (const auto& [name, content] : files) append_member(out, name, content);
  out.append(provisioning::kTarEndBytes, '\0');
  return out;
}

}  // namespace mutations
