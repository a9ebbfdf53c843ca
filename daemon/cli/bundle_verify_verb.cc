// redoubt bundle verify: every check that the closed site will make of a bundle, made here, each
// said as it is made.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "daemon/cli/bundle_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/model_signature_verbs.h"
#include "daemon/cli/report.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "daemon/version.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/container/archive_listing.h"
#include "provisioning/container/bundle_contents.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/model_signature.h"
#include "provisioning/container/parts_source.h"
#include "provisioning/container/sbom.h"
#include "provisioning/container/split.h"
#include "provisioning/store/model_trust.h"
#include "provisioning/trust/judgement.h"
#include "provisioning/trust/trust_store.h"

namespace daemon_cli {
namespace {

using base::Json;
using provisioning::BundleClaims;

struct VerifyOptions {
  ModelVerifyOptions model;  // its directory is the PATH
  std::string root;
  std::string config;
};

// Whose word counts, and what the site has seen already.
struct Trust {
  provisioning::TrustRoot root;
  provisioning::Floors floors;
};

// The checks in the order they are made.
class Checks {
 public:
  explicit Checks(bool json) : json_(json) {}

  void passed(std::string_view check, const std::string& detail) {
    if (!json_) fmt::print("ok  {:<12} {}\n", check, detail);
    done_.push_back(Json::object({{"check", check}, {"detail", detail}}));
  }
  void warn(const std::string& text) {
    if (!json_) fmt::print("!!  {:<12} {}\n", "warning", text);
    warnings_.push_back(text);
  }

  // What the report names; claimed only, unless the verdict is "verified".
  void about(const BundleClaims& claims) {
    release_ = Json::object(
        {{"id", claims.id}, {"name", claims.release.name}, {"sequence", claims.release.sequence}});
  }

  Json report(bool verified) const {
    return Json::object({{"verified", verified},
                         {"release", release_},
                         {"checks", done_},
                         {"warnings", warnings_}});
  }

 private:
  bool json_;
  Json release_;  // null before a statement was read
  Json done_ = Json::array();
  Json warnings_ = Json::array();
};

base::Result<Trust> read_trust(const VerifyOptions& options) {
  if (!options.root.empty()) {
    const std::string text = TRY(base::read_text_file(options.root, provisioning::kRootBytesMax));
    return Trust{.root = TRY(provisioning::open_first_root(text).context(options.root)),
                 .floors = {}};
  }
  const auto config = TRY(daemon_config::read_config(options.config));
  const auto store =
      TRY(provisioning::TrustStore::open(daemon_supervisor::StatePaths(config).trust));
  if (!store.root())
    return base::not_found("the appliance has no trust root yet (redoubt trust init)");
  return Trust{.root = *store.root(), .floors = store.floors()};
}

// The archive once more, of one file or of parts; null for a directory.
base::Result<std::unique_ptr<provisioning::StoredBytes>> open_archive(const std::string& path) {
  base::Fd fd = TRY(base::open_file(path, O_RDONLY | O_NONBLOCK));
  if (base::regular_file_size(fd).ok()) return provisioning::open_stored_file(std::move(fd));
  const auto parts = TRY(provisioning::find_parts(fd));
  if (!parts) return std::unique_ptr<provisioning::StoredBytes>();
  {
    ProgressBar bar("parts");
    TRY(provisioning::check_parts(fd, *parts, bar.callback()));
  }
  return provisioning::open_parts(std::move(fd), *parts);
}

// That a second reader of tar, libarchive's, sees the members that the statement names.
base::Status compare_readers(provisioning::StoredBytes& archive,
                             const provisioning::Release& release) {
  const auto members = TRY(provisioning::list_archive(archive, release.files.size() + 2));
  const auto differs = [] {
    return base::denied("libarchive sees other members in the archive than the statement names");
  };
  if (members.size() != release.files.size() + 2) return differs();
  if (members[0].name != provisioning::kReleaseEntry ||
      members[1].name != provisioning::kSignatureEntry)
    return differs();
  for (std::size_t i = 0; i < release.files.size(); ++i) {
    if (members[i + 2].name != release.files[i].name ||
        members[i + 2].size != release.files[i].size)
      return differs();
  }
  return {};
}

base::Status check_container(const std::string& path, const BundleClaims& claims, Checks& checks) {
  const auto archive = TRY(open_archive(path));
  const std::string id =
      fmt::format("release {} {}, id {}", claims.release.name, claims.release.sequence, claims.id);
  if (archive == nullptr) {
    checks.passed("container", "a directory; " + id);
    return {};
  }
  TRY(compare_readers(*archive, claims.release));
  checks.passed("container", fmt::format("an archive of {} bytes, two readers of tar agree; {}",
                                         archive->size(), id));
  return {};
}

base::Status check_statement(const BundleClaims& claims, const Trust& trust, Checks& checks) {
  const auto signers =
      TRY(provisioning::check_signatures(claims.envelope, trust.root, trust.root.release)
              .context("signatures"));
  std::string names;
  for (const std::string& id : signers) {
    const auto* const key = trust.root.find(id);
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ",
                         Json(key == nullptr ? "?" : key->name).dump(), id.substr(0, 16));
  }
  checks.passed("signatures", names);
  const provisioning::SiteFacts site{
      .product = trust.root.product,
      .product_version = daemon_version::kVersion,
      .backends = claims.release.backends,  // of the site, which is not this machine
      .memory_bytes = 0,
      .now = base::SystemClock().unix_seconds()};
  const auto judged =
      TRY(provisioning::judge_release(claims.release_text, trust.root, trust.floors, site)
              .context("policy"));
  for (const std::string& warning : judged.warnings) checks.warn(warning);
  checks.passed("policy",
                fmt::format("trust root {} of {}: product, site, sequence, time, revocation",
                            trust.root.version,
                            trust.root.site.empty() ? "any site" : Json(trust.root.site).dump()));
  return {};
}

base::Status check_model_signature(const BundleClaims& claims, const Trust& trust, Checks& checks) {
  if (claims.signature_text.empty()) {
    if (trust.root.model.require_signature)
      return base::denied("there is no model.sig, and the trust root requires one");
    checks.passed("model.sig", "none, and none is required");
    return {};
  }
  const std::int64_t time =
      trust.floors.time > 0 ? trust.floors.time : base::SystemClock().unix_seconds();
  const auto signers = TRY(provisioning::ModelSignatureTrust::create(trust.root, time));
  const auto signer = TRY(
      provisioning::verify_model_signature(claims.signature_text, signers.trust(), claims.release));
  checks.passed("model.sig",
                fmt::format("by {} {}", provisioning::method_name(signer.method),
                            signer.subject.empty() ? signer.id : Json(signer.subject).dump()));
  return {};
}

base::Status check_content(provisioning::BundleSource& source, const provisioning::Release& release,
                           Checks& checks) {
  provisioning::WantedText sbom[] = {{.name = std::string(provisioning::kSbomEntry),
                                      .bytes_max = provisioning::kSbomBytesMax,
                                      .text = {}}};
  {
    ProgressBar bar("hashing");
    TRY(provisioning::check_files(source, release, sbom, bar.callback()));
  }
  checks.passed(
      "files",
      fmt::format(
          "{} files, {} bytes: size, SHA-256, SHA-384 and pieces of each; nothing else is there",
          release.files.size(), release.total_bytes()));
  if (release.find(provisioning::kSbomEntry) == nullptr) {
    checks.warn("there is no sbom.cdx.json");
  } else {
    TRY(provisioning::check_sbom(sbom[0].text, release));
    checks.passed("sbom", "names the files of the model and no other; the rest is claimed");
  }
  if (release.golden.empty())
    checks.warn(
        "there are no golden prompts: nothing tells a wrong model from a right one at the site");
  checks.passed("qualify", fmt::format("golden prompts: {}, evaluation sets: {}",
                                       release.golden.empty() ? "none" : release.golden,
                                       release.evaluations.size()));
  return {};
}

base::Status verify(const VerifyOptions& options, Checks& checks) {
  const std::string& path = options.model.directory;
  const Trust trust = TRY(read_trust(options));
  const auto source = TRY(
      provisioning::open_bundle(TRY(base::open_file(path, O_RDONLY | O_NONBLOCK))).context(path));
  const BundleClaims claims = TRY(provisioning::read_claims(*source));
  checks.about(claims);
  TRY(check_container(path, claims, checks));
  TRY(check_statement(claims, trust, checks));
  TRY(check_model_signature(claims, trust, checks));
  return check_content(*source, claims.release, checks);
}

int run_verify(const VerifyOptions& options) {
  if (is_bare_model(options.model.directory)) return verify_model_directory(options.model);
  if (options.root.empty() == options.config.empty()) {
    fmt::print(stderr, "redoubt: bundle verify takes --root or --config for a bundle\n");
    return kExitUsage;
  }
  Checks checks(options.model.json);
  const auto status = verify(options, checks);
  if (options.model.json) {
    Json report = checks.report(status.ok());
    if (!status.ok()) report.set("reason", status.error().message);
    fmt::print("{}\n", report.dump_pretty());
  } else if (status.ok()) {
    fmt::print("verified\n");
  }
  std::fflush(stdout);  // before standard error, where both are one file
  return status.ok() ? kExitOk
                     : report_failure(status.error(), "Not verified: do not use this bundle.");
}

}  // namespace

void add_bundle_verify(Command& bundle) {
  Command& verb = bundle.add(
      "verify", "check a bundle against a trust root, or a model directory against keys");
  auto options = std::make_shared<VerifyOptions>();
  verb.argument("PATH", options->model.directory,
                "NAME.rdb, the directory of a bundle or of its parts, or a model directory");
  verb.option("--root", options->root, "the trust root, NAME.root.dsse");
  verb.option("--config", options->config,
              "an appliance's configuration: its trust root and its floors");
  declare_model_verify_options(verb, options->model);
  verb.flag("--json", options->model.json, "print the verdict as JSON");
  verb.runs([options] { return run_verify(*options); });
}

}  // namespace daemon_cli
