#include "daemon/importer/model_import.h"

#include <fcntl.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/doctor/driver_questions.h"
#include "daemon/supervisor/state_directory.h"
#include "daemon/version.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "provisioning/limits.h"
#include "provisioning/trust/trust_store.h"

namespace daemon_importer {
namespace {

constexpr std::int64_t kGpuAnswerMs = 15'000;  // the first question after a start may set the driver up

// What can run a model here.
std::vector<std::string> backends() {
  std::vector<std::string> names = {"cpu"};
  const auto gpus = daemon_doctor::ask_cuda(kGpuAnswerMs);
  if (gpus && gpus->support == kernels::cuda::GpuSupport::kUsable) names.emplace_back("cuda");
  return names;
}

using base::Status;
using provisioning::ModelStore;

std::uint64_t memory_bytes() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : 0;
}

base::Result<ImporterConfig> configure(const daemon_config::Config& config,
                                       const ImportRequest& request) {
  const auto trust =
      TRY(provisioning::TrustStore::open(daemon_supervisor::StatePaths(config).trust));
  ImporterConfig importer;
  importer.trust_root = trust.root_text();
  provisioning::Floors floors = trust.floors();
  floors.time = std::max(floors.time, daemon_version::kReleasedAt);
  importer.floors = floors.serialize();
  if (importer.trust_root.empty()) {
    for (const std::string& path : config.model.trusted_keys) {
      importer.trusted_keys.push_back(TRY(base::read_text_file(path, provisioning::kKeyFileBytesMax)
                                              .context("model.trusted_keys")));
    }
  }
  importer.site.product_version = daemon_version::kVersion;
  importer.site.backends = backends();
  importer.site.memory_bytes = memory_bytes();
  importer.site.now = base::SystemClock().unix_seconds();
  importer.name = request.name;
  importer.recheck = request.recheck;
  return importer;
}

base::Error error_of(const ImportResult& result) {
  switch (result.verdict) {
    case Verdict::kMedium:
      return base::unavailable("the medium failed: " + result.error);
    case Verdict::kSpace:
      return base::exhausted(result.error);
    case Verdict::kStaged:
    case Verdict::kRefused:
      break;
  }
  return base::denied(result.error);
}

// One run of an importer and what becomes of what it staged.
class Attempt {
 public:
  Attempt(ModelStore& store, const ImporterConfig& config, const ImportRequest& request)
      : store_(store), config_(config), request_(request) {}

  base::Result<Imported> run(const std::function<void(const Progress&)>& progress) {
    const base::FileOwner importer{kImporterIdentity.uid, kImporterIdentity.gid};
    const base::Fd staging = TRY(store_.open_staging(importer));
    const base::Fd objects = TRY(store_.open_objects());
    auto result =
        run_importer(config_, {request_.medium, staging, objects},
                     {[this](const Started& started) { return is_wanted(started); }, progress});
    TRY(store_.close_staging());
    if (present_) {
      TRY(store_.discard_staging(id_));  // the importer may have begun before it was told
      return Imported{std::move(*present_), true, {}};
    }
    if (!result.ok()) {
      // After a crash nothing is certain; after a medium that did not answer all that was staged is
      // what it should be.
      if (result.error().code != base::ErrorCode::kUnavailable && !id_.empty())
        TRY(store_.discard_staging(id_));
      return result.error();
    }
    if (result.value().verdict == Verdict::kStaged) return publish(std::move(result).value());
    resumed_ = result.value().resumed && result.value().verdict == Verdict::kRefused;
    if (result.value().verdict != Verdict::kMedium && !id_.empty())
      TRY(store_.discard_staging(id_));
    return error_of(result.value());
  }

  // It was refused, and part of what was refused came from an earlier run: that part may be what is
  // wrong.
  bool worth_another() const { return resumed_; }

 private:
  bool is_wanted(const Started& started) {
    id_ = started.id;
    auto present = store_.find(started.id);
    if (!present.ok() || request_.recheck) return true;
    present_ = std::move(present).value();
    return false;
  }

  base::Result<Imported> publish(ImportResult result) {
    provisioning::StoredModel model;
    model.id = id_;
    model.bare = result.bare;
    model.name = std::move(result.name);
    model.sequence = result.sequence;
    model.version = std::move(result.version);
    model.signers = std::move(result.signers);
    model.imported = config_.site.now;
    auto published = store_.publish(std::move(model));
    if (published.ok())
      return Imported{std::move(published).value(), false, std::move(result.warnings)};
    // Objects that had moved already are nobody's now. What cannot be given back stays garbage, for
    // the next collection.
    (void)store_.discard_staging(id_);
    (void)store_.collect_garbage();
    return published.error();
  }

  ModelStore& store_;
  const ImporterConfig& config_;
  const ImportRequest& request_;
  std::string id_;
  std::optional<provisioning::StoredModel> present_;
  bool resumed_ = false;
};

}  // namespace

base::Result<Imported> import_model(const daemon_config::Config& config,
                                    const ImportRequest& request,
                                    const std::function<void(const Progress&)>& progress) {
  const ImporterConfig importer = TRY(configure(config, request));
  auto store = TRY(ModelStore::open_for_change(daemon_supervisor::StatePaths(config).store));
  Attempt first(store, importer, request);
  auto imported = first.run(progress);
  if (imported.ok() || !first.worth_another()) return imported;
  return Attempt(store, importer, request).run(progress);
}

}  // namespace daemon_importer
