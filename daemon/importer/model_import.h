// `redoubt import` without its command line: from an open medium to a model in the store.
#ifndef DAEMON_IMPORTER_MODEL_IMPORT_H_
#define DAEMON_IMPORTER_MODEL_IMPORT_H_

#include <functional>
#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/importer/importer_process.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/store/model_store.h"

namespace daemon_importer {

struct ImportRequest {
  base::Fd medium;       // an .rdb file or a directory: a bundle, parts of one, a bare model
  std::string name;      // for a bare model; empty: the one it was signed under
  bool recheck = false;  // read files that the store has, too, and put them in the place of those
};

struct Imported {
  provisioning::StoredModel model;
  bool already = false;  // it was there: nothing was read
  std::vector<std::string> warnings;
};

// On failure the store is as it was, and space that was used is given back, except when the medium
// failed: what was staged by then is kept for the next try. kDenied: what the medium holds is
// refused. Requires a single-threaded process.
base::Result<Imported> import_model(const daemon_config::Config& config,
                                    const ImportRequest& request,
                                    const std::function<void(const Progress&)>& progress);

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_MODEL_IMPORT_H_
