// fs-verity (Linux documentation, filesystems/fsverity): the kernel refuses to read a page that is
// not what it was when the file was finished, and to write the file ever again. A second guard
// behind our own digests, where the file system has it.
#ifndef PROVISIONING_STORE_VERITY_H_
#define PROVISIONING_STORE_VERITY_H_

#include <string>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace provisioning {

// SHA-256 over blocks of 4096 bytes. True: the file is guarded (also when it was before); false:
// this file system cannot. Requires a file that nobody has open for writing.
base::Result<bool> guard_with_verity(const base::Fd& file);

// Whether it is guarded.
bool has_verity(const std::string& path);

}  // namespace provisioning

#endif  // PROVISIONING_STORE_VERITY_H_
