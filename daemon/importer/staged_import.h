// One import, inside the sandbox: signatures first, then every byte once from the medium through
// the hashes into the staging directory.
#ifndef DAEMON_IMPORTER_STAGED_IMPORT_H_
#define DAEMON_IMPORTER_STAGED_IMPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/importer/import_messages.h"
#include "daemon/importer/importer_config.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/container/bundle_source.h"
#include "provisioning/store/object_list.h"
#include "provisioning/store/staging.h"
#include "provisioning/trust/judgement.h"

namespace daemon_importer {

// What is imported: exactly one of the two.
struct Medium {
  std::unique_ptr<provisioning::BundleSource> bundle;
  base::Fd bare;  // a directory with a model.sig and no release.dsse
};

// Finds out which, and reads a directory's names; no file's contents but for NAME.rdb.parts.
base::Result<Medium> open_medium(base::Fd fd);

class StagedImport {
 public:
  struct Descriptors {
    const base::Fd& channel;  // to the command
    const base::Fd& staging;  // STORE/staging
    base::Fd objects;         // STORE/objects; O_PATH is enough
  };

  // `free_bytes`: of the store's disk. All are borrowed but what Descriptors says.
  StagedImport(const ImporterConfig& config, Descriptors descriptors, std::uint64_t free_bytes,
               provisioning::HashThreads& hash);

  // Never fails: the result says what came of it. Sends `started` and `progress`, and not the
  // result. Call once.
  ImportResult run(Medium medium);

 private:
  base::Status import_release(provisioning::BundleSource& source);
  base::Status import_bare(const base::Fd& directory);

  base::Status check_model_signature(const provisioning::JudgedRelease& judged,
                                     const provisioning::TrustRoot& root,
                                     const provisioning::Floors& floors,
                                     std::string_view text) const;
  base::Status begin(const std::string& id, std::uint64_t bytes);
  // Refuses before the first byte is written what would not fit.
  base::Status check_space(const std::vector<provisioning::StoredObject>& files) const;
  // Takes a file over, or passes over one that is there. `seek` positions the medium's reader at an
  // offset of the file.
  using Seek = std::function<base::Status(std::uint64_t offset)>;
  base::Status take(std::string_view name, const provisioning::Staging::Expected& file,
                    const Seek& seek, const provisioning::Staging::Reader& read);
  bool is_there(const provisioning::StoredObject& file) const;
  base::Status check_bill(const provisioning::Release& release) const;
  base::Status finish();

  void advance(std::uint64_t bytes, std::string_view what);
  void report(std::string_view what);

  const ImporterConfig& config_;
  Descriptors descriptors_;
  std::uint64_t free_bytes_;
  provisioning::HashThreads& hash_;
  std::optional<provisioning::Staging> staging_;
  std::vector<provisioning::StoredObject> objects_;
  ImportResult result_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::int64_t reported_ns_ = 0;
};

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_STAGED_IMPORT_H_
