// One import of an archive in memory, by the very code that the importer role runs, into a staging
// directory of its own.
#ifndef TESTS_PROVISIONING_MUTATIONS_ONE_IMPORT_H_
#define TESTS_PROVISIONING_MUTATIONS_ONE_IMPORT_H_

#include <map>
#include <string>
#include <string_view>

#include "daemon/importer/import_messages.h"
#include "daemon/importer/importer_config.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/store/hash_threads.h"
#include "tests/provisioning/mutations/small_bundle.h"

namespace mutations {

class Importer {
 public:
  // `directory` is empty and ours.
  static base::Result<Importer> create(const SmallSite& site, std::string directory);

  // What the importer says; infrastructure failing is an Error.
  base::Result<daemon_importer::ImportResult> run(std::string_view archive);
  // Content of everything it staged in the last run, by "<id>/<name>".
  std::map<std::string, std::string> staged() const;
  void clear() const;

 private:
  Importer(daemon_importer::ImporterConfig config, std::string directory);

  daemon_importer::ImporterConfig config_;
  std::string directory_;
  std::unique_ptr<provisioning::HashThreads> hash_;
};

}  // namespace mutations

#endif  // TESTS_PROVISIONING_MUTATIONS_ONE_IMPORT_H_
