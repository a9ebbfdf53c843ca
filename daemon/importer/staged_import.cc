#include "daemon/importer/staged_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/importer/content_checks.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/container/sbom.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/limits.h"
#include "provisioning/model_directory.h"
#include "provisioning/model_name.h"
#include "provisioning/store/model_trust.h"
#include "provisioning/trust/judgement.h"

namespace daemon_importer {
namespace {

using base::Status;
using provisioning::FileDigests;
using provisioning::ReleaseFile;
using provisioning::Staging;
using provisioning::StoredObject;

constexpr std::int64_t kReportIntervalNs = 100'000'000;
constexpr std::string_view kBillName = "sbom.cdx.json";
constexpr std::uint64_t kSpareBytes =
    64u << 20;  // for texts, digests of pieces and the file system's own needs

Status compare(std::string_view what, std::span<const std::byte> found,
               std::span<const std::byte> expected) {
  if (std::equal(found.begin(), found.end(), expected.begin(), expected.end())) return {};
  return base::denied(fmt::format("{} is {}, the signature says {}", what, base::to_hex(found),
                                  base::to_hex(expected)));
}

Status check_digests(const ReleaseFile& file, const FileDigests& found) {
  if (found.bytes != file.size) {
    return base::denied(fmt::format("{} bytes, the signature says {}", found.bytes, file.size));
  }
  TRY(compare("sha256", found.sha256, file.sha256));
  TRY(compare("sha384", found.sha384, file.sha384));
  return compare("the digest over its pieces", found.chunks_digest, file.chunks);
}

// The error that ends an import, and what it says of the medium.
Verdict verdict_of(const base::Error& error, const std::optional<Staging>& staging) {
  if (staging && staging->write_failed()) return Verdict::kSpace;
  return error.code == base::ErrorCode::kIo ? Verdict::kMedium : Verdict::kRefused;
}

base::Result<provisioning::TrustRoot> open_root(const ImporterConfig& config) {
  if (config.trust_root.empty()) {
    return base::denied(
        "no trust root is pinned here, so no release is trusted: see 'redoubt trust init'");
  }
  return provisioning::read_trust_root(config.trust_root).context("trust root");
}

base::Result<provisioning::Floors> open_floors(const ImporterConfig& config) {
  return provisioning::Floors::parse(config.floors).context("floors");
}

// What certificates are measured by: no clock takes us back behind what signed documents have said.
std::int64_t known_time(const ImporterConfig& config, const provisioning::Floors& floors) {
  return std::max(config.site.now, floors.time);
}

// By pread(2), as all reading here.
base::Result<std::string> read_bounded(const base::Fd& file, std::size_t bytes_max) {
  const std::uint64_t size = TRY(base::regular_file_size(file));
  if (size > bytes_max) return base::exhausted(fmt::format("{} bytes, limit {}", size, bytes_max));
  std::string text(static_cast<std::size_t>(size), '\0');
  if (TRY(provisioning::read_some_at(file, 0, std::as_writable_bytes(std::span(text)))) != size) {
    return base::denied("shrank while it was read");
  }
  return text;
}

// model.sig names the files below model/ and no others, with the same digests.
Status check_same_files(const provisioning::Statement& statement,
                        const provisioning::Release& release) {
  std::size_t of_model = 0;
  for (const ReleaseFile& file : release.files)
    of_model += file.name.starts_with("model/") ? std::size_t{1} : 0;
  for (const provisioning::Resource& resource : statement.resources) {
    const ReleaseFile* file = release.find("model/" + resource.name);
    if (file == nullptr) return base::denied("it names a file that is not in the release");
    TRY(compare(file->name + ": sha256", resource.digest, file->sha256));
  }
  if (statement.resources.size() == of_model) return {};
  return base::denied(
      fmt::format("it names {} files, the release {}", statement.resources.size(), of_model));
}

}  // namespace

StagedImport::StagedImport(const ImporterConfig& config, Descriptors descriptors,
                           std::uint64_t free_bytes, provisioning::HashThreads& hash)
    : config_(config), descriptors_(std::move(descriptors)), free_bytes_(free_bytes), hash_(hash) {}

ImportResult StagedImport::run(Medium medium) {
  const Status status =
      medium.bundle != nullptr ? import_release(*medium.bundle) : import_bare(medium.bare);
  result_.resumed = staging_ && staging_->resumed();
  if (status.ok()) {
    result_.verdict = Verdict::kStaged;
    return std::move(result_);
  }
  result_.verdict = verdict_of(status.error(), staging_);
  result_.error = status.error().message;
  return std::move(result_);
}

// ---- releases -----------------------------------------------------------------------------------

Status StagedImport::import_release(provisioning::BundleSource& source) {
  const std::string text = TRY(source.read_release());
  const auto root = TRY(open_root(config_));
  const auto floors = TRY(open_floors(config_));
  const auto judged = TRY(provisioning::judge_release(text, root, floors, config_.site));
  const provisioning::Release& release = judged.release;
  const std::string signature = TRY(source.read_signature());
  TRY(check_model_signature(judged, root, floors, signature).context("model.sig"));
  result_.name = release.name;
  result_.sequence = release.sequence;
  result_.version = release.version;
  result_.signers = judged.signers;
  result_.warnings = judged.warnings;

  for (const ReleaseFile& file : release.files)
    objects_.push_back({base::to_hex(file.sha256), file.size});
  TRY(begin(judged.id, release.total_bytes()));
  TRY(staging_->put("release.dsse", text));
  if (!signature.empty()) TRY(staging_->put("model.sig", signature));
  for (const ReleaseFile& file : release.files) {
    const Staging::Expected expected{
        base::to_hex(file.sha256), file.size,
        [&](const FileDigests& found) { return check_digests(file, found); }};
    TRY(take(
        file.name, expected, [&](std::uint64_t offset) { return source.begin_file(file, offset); },
        [&](std::span<std::byte> out) { return source.read(out); }));
  }
  TRY(source.finish());
  TRY(check_bill(release).context(kBillName));
  return finish();
}

// A bill of materials that names other files than the release has is somebody's mistake, found
// before anybody relies on it.
Status StagedImport::check_bill(const provisioning::Release& release) const {
  const ReleaseFile* bill = release.find(kBillName);
  if (bill == nullptr) return {};
  const auto staged = staging_->open_object(base::to_hex(bill->sha256));
  // One that the store has is of a release whose files are these very ones, or it would differ.
  if (!staged.ok() && staged.error().code == base::ErrorCode::kNotFound) return {};
  if (!staged.ok()) return staged.error();
  return provisioning::check_sbom(TRY(read_bounded(staged.value(), provisioning::kSbomBytesMax)),
                                  release);
}

Status StagedImport::check_model_signature(const provisioning::JudgedRelease& judged,
                                           const provisioning::TrustRoot& root,
                                           const provisioning::Floors& floors,
                                           std::string_view text) const {
  if (text.empty()) {
    if (root.model.require_signature)
      return base::denied("is missing, and the trust root wants one");
    return {};
  }
  // One that is there counts, whether it had to be there or not.
  const auto keys =
      TRY(provisioning::ModelSignatureTrust::create(root, known_time(config_, floors)));
  const auto model = TRY(provisioning::SignedModel::open(base::Fd(), text, keys.trust()));
  return check_same_files(model.statement(), judged.release);
}

// ---- bare models --------------------------------------------------------------------------------

Status StagedImport::import_bare(const base::Fd& directory) {
  const base::Fd file =
      TRY(provisioning::open_regular_beneath(directory, provisioning::kSignatureFileName));
  const std::string text =
      TRY(read_bounded(file, provisioning::kSignatureBytesMax).context("model.sig"));
  std::vector<provisioning::PublicKey> keys;
  std::optional<provisioning::ModelSignatureTrust> root_trust;
  provisioning::SignatureTrust trust;
  if (config_.trust_root.empty()) {
    for (const std::string& pem : config_.trusted_keys)
      keys.push_back(TRY(provisioning::PublicKey::parse_pem(pem)));
    if (keys.empty())
      return base::denied(
          "no key is trusted here: there is no trust root, and model.trusted_keys is empty");
    trust.keys = keys;
  } else {
    const auto root = TRY(open_root(config_));
    if (!root.model.bare)
      return base::denied(
          "a model without a release, and the trust root does not take those (model.bare)");
    const auto floors = TRY(open_floors(config_));
    root_trust = TRY(provisioning::ModelSignatureTrust::create(root, known_time(config_, floors)));
    trust = root_trust->trust();
  }
  const auto model =
      TRY(provisioning::SignedModel::open(base::Fd(), text, trust).context("model.sig"));
  result_.bare = true;
  result_.name = config_.name.empty() ? model.statement().subject : config_.name;
  TRY(provisioning::check_model_name(result_.name).context("choose a name with --name"));
  result_.signers = {model.signer().id};

  std::uint64_t bytes = 0;
  for (const provisioning::Resource& resource : model.statement().resources) {
    const base::Fd opened = TRY(provisioning::open_regular_beneath(directory, resource.name));
    const std::uint64_t size = TRY(base::regular_file_size(opened));
    if (size > provisioning::kFileBytesMax) {
      return base::exhausted(
          fmt::format("a file of {} bytes, limit {}", size, provisioning::kFileBytesMax));
    }
    bytes += size;
    objects_.push_back({base::to_hex(resource.digest), size});
  }
  TRY(begin(base::to_hex(model.statement().root_digest()), bytes));
  TRY(staging_->put("model.sig", text));
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    const provisioning::Resource& resource = model.statement().resources[i];
    const base::Fd opened = TRY(provisioning::open_regular_beneath(directory, resource.name));
    std::uint64_t at = 0;
    const Staging::Expected expected{
        objects_[i].sha256, objects_[i].size,
        [&](const FileDigests& found) { return compare("sha256", found.sha256, resource.digest); }};
    TRY(take(
        resource.name, expected,
        [&](std::uint64_t offset) -> Status {
          at = offset;
          return {};
        },
        [&](std::span<std::byte> out) -> base::Result<std::size_t> {
          const std::size_t got = TRY(provisioning::read_some_at(opened, at, out));
          at += got;
          return got;
        }));
  }
  return finish();
}

// ---- what both do -------------------------------------------------------------------------------

Status StagedImport::begin(const std::string& id, std::uint64_t bytes) {
  if (bytes > config_.bytes_max) {
    return base::exhausted(fmt::format("{} bytes in all, limit {}", bytes, config_.bytes_max));
  }
  total_ = bytes;
  TRY(send(descriptors_.channel, Started{id, bytes}));
  staging_ = TRY(Staging::open(descriptors_.staging, std::move(descriptors_.objects), id));
  return check_space(objects_);
}

bool StagedImport::is_there(const StoredObject& file) const {
  return staging_->finished(file.sha256, file.size) ||
         (!config_.recheck && staging_->in_store(file.sha256, file.size));
}

Status StagedImport::check_space(const std::vector<StoredObject>& files) const {
  std::set<std::string> counted;
  std::uint64_t needed = kSpareBytes;
  for (const StoredObject& file : files) {
    if (!counted.insert(file.sha256).second || is_there(file)) continue;
    needed += file.size - staging_->resumable(file.sha256, file.size);
  }
  if (needed <= free_bytes_) return {};
  return base::exhausted(
      fmt::format("no space: {} bytes are needed and {} are free on the disk of the store", needed,
                  free_bytes_));
}

Status StagedImport::take(std::string_view name, const Staging::Expected& file, const Seek& seek,
                          const Staging::Reader& read) {
  // A file that two names share, or that the store has, is not read again; its place on the medium
  // is still looked at, and what this release says of it is checked all the same.
  if (staging_->finished(file.sha256, file.size)) {
    advance(file.size, "importing");
    return seek(file.size);
  }
  if (!config_.recheck && staging_->in_store(file.sha256, file.size)) {
    const std::uint64_t before = done_;
    const Status stored = staging_->check_stored(
        file, hash_, [this](std::uint64_t bytes) { advance(bytes, "checking the store"); });
    if (stored.ok()) return seek(file.size);
    if (stored.error().code != base::ErrorCode::kCorrupt)
      return Status(stored.error()).context(name);
    done_ = before;
  }
  report("importing");
  Staging::Expected watched = file;
  watched.check = [&](const FileDigests& found) -> Status {
    TRY(file.check(found));
    report("syncing");
    return {};
  };
  TRY(seek(staging_->resumable(file.sha256, file.size)));
  TRY(staging_
          ->take(watched, hash_, read, [this](std::uint64_t bytes) { advance(bytes, "importing"); })
          .context(name));
  if (!is_checked(name)) return {};
  return check_content(name, TRY(staging_->open_object(file.sha256))).context(name);
}

Status StagedImport::finish() {
  TRY(staging_->put(std::string(provisioning::kObjectListName),
                    provisioning::serialize_object_list(objects_)));
  TRY(staging_->sync());
  report("imported");
  return {};
}

void StagedImport::advance(std::uint64_t bytes, std::string_view what) {
  done_ += bytes;
  const std::int64_t now_ns = base::SystemClock().monotonic_ns();
  if (now_ns - reported_ns_ < kReportIntervalNs && done_ != total_) return;
  reported_ns_ = now_ns;
  report(what);
}

void StagedImport::report(std::string_view what) {
  // A command that does not read is about to end us; a report more or less is all the same to it.
  (void)send(descriptors_.channel, Progress{done_, total_, std::string(what)});
}

}  // namespace daemon_importer
