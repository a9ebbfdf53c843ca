// redoubt bundle inspect: what a bundle claims. Nothing is verified, and nothing printed can do
// more than be read.
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <memory>

#include "daemon/cli/bundle_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/model_signature_verbs.h"
#include "daemon/cli/report.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/container/bundle_contents.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/envelope.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using base::Json;
using provisioning::BundleClaims;
using provisioning::Release;

struct InspectOptions {
  std::string path;
  bool json = false;
};

// What a file that is no directory begins with tells what it is; everything else is found out by
// reading it.
enum class Kind { kBundle, kStatement, kModelSignature };

base::Result<Kind> kind_of(const std::string& path) {
  const base::Fd file = TRY(base::open_file(path, O_RDONLY | O_NONBLOCK));
  if (!base::regular_file_size(file).ok()) return Kind::kBundle;
  std::array<std::byte, 512> start{};
  const std::size_t got = TRY(base::read_full(file, start));
  const std::string_view text(reinterpret_cast<const char*>(start.data()), got);
  if (got == start.size() && text.starts_with(provisioning::kReleaseEntry)) return Kind::kBundle;
  if (base::read_text_file(path, provisioning::kReleaseBytesMax).ok()) {
    const auto whole = TRY(base::read_text_file(path, provisioning::kReleaseBytesMax));
    if (provisioning::parse_envelope(whole).ok()) return Kind::kModelSignature;
    if (text.starts_with('{')) return Kind::kStatement;
  }
  return Kind::kBundle;
}

base::Result<BundleClaims> read(const InspectOptions& options) {
  if (TRY(kind_of(options.path)) == Kind::kStatement) {
    return provisioning::parse_claims(
        TRY(base::read_text_file(options.path, provisioning::kReleaseBytesMax)));
  }
  const auto source =
      TRY(provisioning::open_bundle(TRY(base::open_file(options.path, O_RDONLY | O_NONBLOCK))));
  return provisioning::read_claims(*source);
}

Json texts(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& text : list) array.push_back(text);
  return array;
}

Json describe(const BundleClaims& claims) {
  const Release& release = claims.release;
  Json files = Json::array();
  for (const auto& file : release.files) {
    files.push_back(Json::object(
        {{"name", file.name}, {"size", file.size}, {"sha256", base::to_hex(file.sha256)}}));
  }
  Json keys = Json::array();
  for (const auto& signature : claims.envelope.signatures) keys.push_back(signature.key_id);
  Json json = Json::object({{"verified", false},
                            {"release_id", claims.id},
                            {"name", release.name},
                            {"sequence", release.sequence},
                            {"version", release.version},
                            {"issued", provisioning::format_utc_time(release.issued)}});
  if (release.expires) json.set("expires", provisioning::format_utc_time(*release.expires));
  json.set("product_min", release.product_min);
  json.set("sites", texts(release.sites));
  json.set("backends", texts(release.backends));
  json.set("memory_bytes_min", release.memory_bytes_min);
  json.set("license", release.license);
  json.set("model_root", base::to_hex(release.model_root));
  json.set("golden", release.golden);
  json.set("evaluations", texts(release.evaluations));
  json.set("signature_key_ids", std::move(keys));
  json.set("model_signature", !claims.signature_text.empty());
  json.set("files", std::move(files));
  return json;
}

std::string joined(const std::vector<std::string>& list, std::string_view when_empty) {
  if (list.empty()) return std::string(when_empty);
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + Json(item).dump();
  return text;
}

void print(const BundleClaims& claims) {
  const Release& release = claims.release;
  fmt::print(
      "release      {} sequence {} version {}\nrelease id   {}\nissued       {}\nexpires      {}\n",
      Json(release.name).dump(), release.sequence, Json(release.version).dump(), claims.id,
      provisioning::format_utc_time(release.issued),
      release.expires ? provisioning::format_utc_time(*release.expires) : "never");
  fmt::print(
      "for          {} {} or newer, sites: {}, backends: {}, memory from {} bytes\nlicense      "
      "{}\n",
      Json(release.product).dump(), Json(release.product_min).dump(), joined(release.sites, "any"),
      joined(release.backends, "any"), release.memory_bytes_min, Json(release.license).dump());
  fmt::print(
      "golden       {}\nevaluations  {}\nmodel root   {}\nmodel.sig    {}\nsignatures   {}\n",
      release.golden.empty() ? "none" : Json(release.golden).dump(),
      joined(release.evaluations, "none"), base::to_hex(release.model_root),
      claims.signature_text.empty() ? "none" : "there", claims.envelope.signatures.size());
  for (const auto& signature : claims.envelope.signatures)
    fmt::print("  by key {}\n", Json(signature.key_id).dump());
  fmt::print("files        {} ({} bytes)\n", release.files.size(), release.total_bytes());
  for (const auto& file : release.files) {
    fmt::print("  {}  {:>14}  {}\n", base::to_hex(file.sha256), file.size, Json(file.name).dump());
  }
  fmt::print(
      "This is what the bundle claims. Nothing was verified: use 'redoubt bundle verify'.\n");
}

base::Status inspect(const InspectOptions& options) {
  const auto claims = TRY(read(options).context(options.path));
  if (options.json) {
    fmt::print("{}\n", describe(claims).dump_pretty());
  } else {
    print(claims);
  }
  return {};
}

int run_inspect(const InspectOptions& options) {
  const auto kind = is_bare_model(options.path) ? Kind::kModelSignature : kind_of(options.path);
  if (!kind.ok()) return report_failure(kind.error());
  if (kind.value() == Kind::kModelSignature)
    return inspect_model_directory({.path = options.path, .json = options.json});
  const auto status = inspect(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_bundle_inspect(Command& bundle) {
  Command& verb =
      bundle.add("inspect", "show what a bundle or a signature claims, without verifying it");
  auto options = std::make_shared<InspectOptions>();
  verb.argument("PATH", options->path,
                "NAME.rdb, the directory of a bundle, of its parts or of a model, a release.dsse "
                "or a model.sig");
  verb.flag("--json", options->json, "print JSON");
  verb.runs([options] { return run_inspect(*options); });
}

}  // namespace daemon_cli
