// What a file of a model is looked at for once its bytes are those that were signed: somebody
// entitled can have signed nonsense, and it is better refused at the door than at the trial.
#ifndef DAEMON_IMPORTER_CONTENT_CHECKS_H_
#define DAEMON_IMPORTER_CONTENT_CHECKS_H_

#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_importer {

// Whether files of that name are looked at: "*.gguf".
bool is_checked(std::string_view name);

// Reads a staged file through a read-only mapping of its own. The error is the parser's.
base::Status check_content(std::string_view name, const base::Fd& file);

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_CONTENT_CHECKS_H_
