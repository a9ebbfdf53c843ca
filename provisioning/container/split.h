// Cuts an .rdb into parts that fit a medium, and puts parts together again. The same archive and
// size give the same parts. provisioning/BUNDLE.md section 2.
#ifndef PROVISIONING_CONTAINER_SPLIT_H_
#define PROVISIONING_CONTAINER_SPLIT_H_

#include <cstdint>
#include <string>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/container/parts.h"
#include "provisioning/file_verifier.h"

namespace provisioning {

// Writes NAME.rdb.001, … and last NAME.rdb.parts into `directory`. kInvalidInput when the name does
// not end in ".rdb" or the size makes no sense; parts that are there are replaced.
base::Result<PartsIndex> split_archive(const std::string& path, std::uint64_t part_bytes,
                                       const std::string& directory,
                                       const FileVerifier::Progress& progress = {});

// Writes the archive that the parts in `directory` make to `path`, unless a part has another digest
// than its index says.
base::Status join_parts(const std::string& directory, const std::string& path,
                        const FileVerifier::Progress& progress = {});

// Reads every part; kDenied names the first that is damaged.
base::Status check_parts(const base::Fd& directory, const std::string& archive_name,
                         const FileVerifier::Progress& progress = {});

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_SPLIT_H_
