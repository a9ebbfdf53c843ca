// What a person means by the path of a bundle: the bundle itself, or a mounted medium that holds
// exactly one.
#ifndef DAEMON_IMPORTER_MEDIUM_PATH_H_
#define DAEMON_IMPORTER_MEDIUM_PATH_H_

#include <cstddef>
#include <string>

#include "hardening/base/result.h"

namespace daemon_importer {

inline constexpr std::size_t kMediumEntriesMax = 64;

// `path` when it is a file, or a directory with a release.dsse, a model.sig or a NAME.rdb.parts in
// it; else the one entry of that directory which is such a thing (or an *.rdb file). kInvalidInput
// names what there is when it is not exactly one; kExhausted beyond kMediumEntriesMax entries. Only
// names are looked at.
base::Result<std::string> find_bundle(const std::string& path);

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_MEDIUM_PATH_H_
