#include "provisioning/trust/trust_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "provisioning/trust/document_fields.h"
#include "provisioning/trust/tpm_anchor.h"
#include "provisioning/trust/trust_files.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

constexpr std::size_t kFloorsBytesMax = 4u << 20;
constexpr std::size_t kLinesMax = 10'000;
constexpr std::int64_t kDaySeconds = 24 * 3'600;

// Whatever is wrong with a file of our own, it is the file that is at fault.
base::Error as_corrupt(base::Error error, const std::string& path) {
  if (error.code == base::ErrorCode::kIo) return error;
  return base::corrupt(fmt::format("{}: {}", path, error.message));
}

base::Result<Floors> read_floors(const std::string& path) {
  auto text = base::read_text_file(path, kFloorsBytesMax);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) return Floors{};
  auto floors = Floors::parse(TRY(std::move(text)));
  if (!floors.ok()) return as_corrupt(std::move(floors).error(), path);
  return floors;
}

// How the file stands to the counter.
enum class Standing { kGood, kOneAhead, kFarAhead };

base::Result<Standing> compare(const Floors& floors, std::optional<std::uint64_t> counter) {
  if (!counter || floors.generation == *counter) return Standing::kGood;
  if (floors.generation < *counter) {
    return base::denied(
        fmt::format("floors.json is older than the TPM's counter says: generation {}, counter {}",
                    floors.generation, *counter));
  }
  return floors.generation - *counter == 1 ? Standing::kOneAhead : Standing::kFarAhead;
}

// The counter is read first: the file never falls behind it while another process writes.
base::Result<Floors> read_anchored_floors(const TrustFiles& files, Anchor& anchor, bool locked,
                                          bool& settle) {
  constexpr int kAttempts =
      5;  // another process may write twice between two of our reads, but not for ever
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto counter = TRY(anchor.read());
    Floors floors = TRY(read_floors(files.floors_path()));
    const Standing standing = TRY(compare(floors, counter));
    settle = standing == Standing::kOneAhead;
    if (settle && locked) TRY(anchor.advance());
    if (standing != Standing::kFarAhead) return floors;
  }
  return base::denied(
      "floors.json is ahead of the TPM's counter: it is of another machine, or the TPM was cleared "
      "(redoubt trust anchor --tpm makes a new beginning)");
}

void apply_root(const TrustRoot& root, Floors& floors) {
  for (const auto& [name, sequence] : root.sequence_floors) {
    Floors::Line& line = floors.lines[name];
    if (line.sequence != sequence) line = {sequence, ""};
  }
  floors.time = std::max(floors.time, root.issued);
  floors.root_version = root.version;
}

base::Result<std::string> read_root(const TrustFiles& files, std::uint64_t version) {
  return base::read_text_file(files.root_path(version), kRootBytesMax);
}

base::Result<TrustRoot> parse_kept_root(const TrustFiles& files, std::uint64_t version,
                                        const std::string& text) {
  auto root = open_first_root(text);
  if (!root.ok()) return as_corrupt(std::move(root).error(), files.root_path(version));
  if (root.value().version != version) {
    return base::corrupt(
        fmt::format("{} holds version {}", files.root_path(version), root.value().version));
  }
  return root;
}

base::Status check_root_is_newest(const std::vector<std::uint64_t>& versions,
                                  const Floors& floors) {
  const std::uint64_t newest = versions.empty() ? 0 : versions.back();
  if (newest >= floors.root_version) return {};
  return base::denied(fmt::format("trust root {} was accepted here, and the newest one found is {}",
                                  floors.root_version,
                                  newest == 0 ? "none" : std::to_string(newest)));
}

}  // namespace

base::Result<TrustStore> TrustStore::load(const std::string& path, bool locked) {
  const TrustFiles files(path);
  TrustStore store(path);
  const auto anchor = TRY(open_anchor(files.anchor_path()));
  store.anchor_ = anchor->describe();
  bool settle = false;
  store.floors_ = TRY(read_anchored_floors(files, *anchor, locked, settle));
  if (settle && !locked) {
    const base::Fd lock = TRY(files.lock().context("settle what a power loss left"));
    return load(path, true);
  }
  const auto versions = TRY(files.root_versions());
  TRY(check_root_is_newest(versions, store.floors_));
  for (const std::uint64_t version : versions) {
    if (version <= store.floors_.root_version && version != versions.back()) continue;
    store.root_text_ = TRY(read_root(files, version));
    store.root_ = TRY(parse_kept_root(files, version, store.root_text_));
    if (version > store.floors_.root_version) apply_root(*store.root_, store.floors_);
  }
  return store;
}

base::Result<TrustStore> TrustStore::open(std::string path) {
  return load(path, false).context("trust");
}

base::Status TrustStore::change(const std::function<base::Status(TrustStore&)>& alter) {
  const base::Fd lock = TRY(TrustFiles(path_).lock());
  TrustStore fresh = TRY(load(path_, true));
  const auto status = alter(fresh);
  *this = std::move(fresh);  // what is on the disk now, whether all of it worked or not
  return status;
}

// Requires the lock.
base::Status TrustStore::write_floors(Floors floors) {
  const TrustFiles files(path_);
  const auto anchor = TRY(open_anchor(files.anchor_path()));
  ++floors.generation;
  TRY(files.write(files.floors_path(), floors.serialize()));
  floors_ = std::move(floors);
  return anchor->advance();
}

// Requires the lock.
base::Status TrustStore::keep_root(TrustRoot root, std::string_view envelope_text) {
  TRY(TrustFiles(path_).write_root(root.version, envelope_text));
  Floors floors = floors_;
  apply_root(root, floors);
  root_ = std::move(root);
  root_text_ = envelope_text;
  return write_floors(std::move(floors));
}

base::Status TrustStore::pin(std::string_view envelope_text) {
  return change([&](TrustStore& store) -> base::Status {
    if (store.root_) {
      return base::denied(fmt::format("trust root {} is in force; what follows it comes by update",
                                      store.root_->version));
    }
    return store.keep_root(TRY(open_first_root(envelope_text)), envelope_text);
  });
}

base::Status TrustStore::update(std::string_view envelope_text) {
  return change([&](TrustStore& store) -> base::Status {
    if (!store.root_)
      return base::not_found("there is no trust root to follow; the first one is pinned");
    if (TRY(TrustFiles(store.path_).root_versions()).size() >= kRootsMax) {
      return base::exhausted(fmt::format("{} trust roots are kept here already", kRootsMax));
    }
    return store.keep_root(TRY(open_next_root(*store.root_, envelope_text)), envelope_text);
  });
}

base::Status TrustStore::raise(const JudgedRelease& release) {
  return raise(release, base::SystemClock().unix_seconds());
}

base::Status TrustStore::raise(const JudgedRelease& release, std::int64_t now) {
  return change([&](TrustStore& store) -> base::Status {
    Floors floors = store.floors_;
    Floors::Line& line = floors.lines[release.release.name];
    const std::uint64_t sequence = release.release.sequence;
    bool changed =
        sequence > line.sequence || (sequence == line.sequence && line.release_id.empty());
    if (changed) line = {sequence, release.id};
    const bool clock_is_behind = now < floors.time;
    const std::int64_t stated = clock_is_behind
                                    ? release.release.issued
                                    : std::min(release.release.issued, now + kDaySeconds);
    changed = changed || stated > floors.time;
    floors.time = std::max(floors.time, stated);
    if (floors.lines.size() > kLinesMax)
      return base::exhausted(fmt::format("{} product lines are known here already", kLinesMax));
    return changed ? store.write_floors(std::move(floors)) : base::Status();
  });
}

base::Status TrustStore::raise_time(std::int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds > kUtcTimeMax)
    return base::invalid_input("a time outside 1970 to 9999");
  return change([&](TrustStore& store) -> base::Status {
    if (unix_seconds <= store.floors_.time) return {};
    Floors floors = store.floors_;
    floors.time = unix_seconds;
    return store.write_floors(std::move(floors));
  });
}

base::Status TrustStore::anchor_to(const std::string& path, const AnchorSettings& settings) {
  const TrustFiles files(path);
  const base::Fd lock = TRY(files.lock());
  Floors floors = TRY(read_floors(files.floors_path()));
  floors.generation = TRY(create_tpm_counter(settings));
  // The file before the settings: until those are there, nobody asks the counter.
  TRY(files.write(files.floors_path(), floors.serialize()));
  return files.write(files.anchor_path(), settings.serialize());
}

}  // namespace provisioning
