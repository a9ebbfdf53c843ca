// redoubt bundle create: a model and what is said of it become one unsigned bundle.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <memory>

#include "daemon/cli/bundle_verbs.h"
#include "daemon/cli/byte_size.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/container/bundle_maker.h"
#include "provisioning/json_fields.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using base::Json;

constexpr std::size_t kEvaluationBytesMax = 64u << 20;

struct CreateOptions {
  std::vector<std::string> models;
  std::string name;
  std::uint64_t sequence = 0;
  std::string version;
  std::string issued;
  std::string expires;
  std::vector<std::string> sites;
  std::string product_min = "0.1.0";
  std::vector<std::string> backends;
  std::string memory_min = "0";
  std::string license;
  std::string golden;
  std::vector<std::string> evaluations;
  std::string sbom;
  std::string output;
};

// The date of issue: as told, or SOURCE_DATE_EPOCH (reproducible-builds.org), or now.
base::Result<std::int64_t> issue_time(const std::string& told) {
  if (!told.empty()) return provisioning::parse_utc_time(told).context("--issued");
  const char* const epoch =
      std::getenv("SOURCE_DATE_EPOCH");  // NOLINT(concurrency-mt-unsafe): one thread
  if (epoch == nullptr) return base::SystemClock().unix_seconds();
  const std::string_view text(epoch);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0 ||
      seconds > provisioning::kUtcTimeMax) {
    return base::invalid_input("SOURCE_DATE_EPOCH is not a number of seconds");
  }
  return seconds;
}

base::Result<provisioning::Release> claims_of(const CreateOptions& options) {
  provisioning::Release release;
  release.name = options.name;
  release.sequence = options.sequence;
  release.version = options.version;
  release.issued = TRY(issue_time(options.issued));
  if (!options.expires.empty())
    release.expires = TRY(provisioning::parse_utc_time(options.expires).context("--expires"));
  release.sites = options.sites;
  release.product_min = options.product_min;
  if (!options.backends.empty()) release.backends = options.backends;
  release.memory_bytes_min = TRY(parse_byte_size(options.memory_min).context("--memory-min"));
  release.license = options.license;
  return release;
}

// What the bill of materials says of an evaluation set. Its items are the engine's to read.
base::Result<provisioning::SbomMetric> read_metric(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, kEvaluationBytesMax));
  const Json json = TRY(Json::parse(text, {.bytes_max = kEvaluationBytesMax}).context(path));
  if (!json.is_object()) return base::invalid_input(path + ": not an object");
  TRY(provisioning::expect_string(json, "type", "redoubt-evaluation", path));
  const Json* const minimum = json.find("minimum");
  if (minimum == nullptr || !minimum->is_number())
    return base::invalid_input(path + ": minimum is not a number");
  return provisioning::SbomMetric{.kind = TRY(provisioning::string_member(json, "kind", path)),
                                  .set = TRY(provisioning::string_member(json, "name", path)),
                                  .minimum = minimum->dump()};
}

base::Result<provisioning::BundleInputs> inputs_of(const CreateOptions& options) {
  provisioning::BundleInputs inputs{.models = options.models,
                                    .golden = options.golden,
                                    .evaluations = options.evaluations,
                                    .sbom = options.sbom,
                                    .metrics = {}};
  for (const std::string& path : options.evaluations)
    inputs.metrics.push_back(TRY(read_metric(path)));
  return inputs;
}

base::Status create(const CreateOptions& options) {
  using provisioning::BundleForm;
  const auto form =
      options.output.ends_with(".rdb") ? BundleForm::kArchive : BundleForm::kDirectory;
  const auto inputs = TRY(inputs_of(options));
  const auto claims = TRY(claims_of(options));
  provisioning::MadeBundle made;
  {
    ProgressBar bar("packing");
    made = TRY(provisioning::make_bundle(inputs, claims, options.output, form, bar.callback()));
  }
  fmt::print(
      "created      {}\nrelease      {} {} ({} files, {} bytes)\nrelease id   {}\nissued       "
      "{}\n",
      options.output, made.release.name, made.release.sequence, made.release.files.size(),
      made.release.total_bytes(), made.id, provisioning::format_utc_time(made.release.issued));
  if (made.kept_signature) fmt::print("model.sig    taken over from the model's directory\n");
  fmt::print("It is not signed yet: redoubt bundle sign {} --key KEY\n", options.output);
  return {};
}

int run_create(const CreateOptions& options) {
  const auto status = create(options);
  return status.ok() ? kExitOk : report_failure(status.error(), "No bundle was made.");
}

}  // namespace

void add_bundle_create(Command& bundle) {
  Command& verb = bundle.add("create", "make an unsigned bundle of a model");
  auto options = std::make_shared<CreateOptions>();
  verb.arguments("MODEL", options->models, "the model's directory, or its files");
  verb.required_option("--name", options->name, "the product line, and what clients call it");
  verb.option("--sequence", options->sequence,
              "1 or more; higher than that of every release before it");
  verb.option("--version", options->version, "for people");
  verb.option("--issued", options->issued,
              "2026-11-21T18:00:00Z; SOURCE_DATE_EPOCH or now when not given");
  verb.option("--expires", options->expires, "no longer to be imported from then on");
  verb.option("--site", options->sites,
              "a site it is for; may be given more than once; any when not given");
  verb.option("--product-min", options->product_min, "the oldest Redoubt that may run it");
  verb.option("--backend", options->backends, "cpu or cuda; both when not given");
  verb.option("--memory-min", options->memory_min, "memory it needs (24GiB)");
  verb.required_option("--license", options->license, "its licence, an SPDX expression");
  verb.option("--golden", options->golden, "golden prompts (redoubt bundle golden)");
  verb.option("--eval", options->evaluations, "an evaluation set; may be given more than once");
  verb.option("--sbom", options->sbom, "a CycloneDX 1.6 ML-BOM; one is made when not given");
  verb.required_option("-o,--output", options->output, "NAME.rdb, or a new directory");
  verb.runs([options] { return run_create(*options); });
}

}  // namespace daemon_cli
