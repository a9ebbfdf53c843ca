// A bundle as it is read: once, from front to back, whatever it is stored as.
#ifndef PROVISIONING_CONTAINER_BUNDLE_SOURCE_H_
#define PROVISIONING_CONTAINER_BUNDLE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/trust/release.h"

namespace provisioning {

class BundleSource {
 public:
  virtual ~BundleSource() = default;

  // In this order, each once. Errors name the entry.
  virtual base::Result<std::string> read_release() = 0;  // the text of release.dsse, bounded
  virtual base::Result<std::string>
  read_signature() = 0;  // of model.sig; empty when it is all white space
  // The next file of the statement, in its order; reading begins at `offset` (what lies before was
  // read in an earlier run). kDenied when something else is there, or it has another size.
  virtual base::Status begin_file(const ReleaseFile& file, std::uint64_t offset) = 0;
  // Up to out.size() bytes of it, 0 at its end.
  virtual base::Result<std::size_t> read(std::span<std::byte> out) = 0;
  // After the last file: nothing may follow.
  virtual base::Status finish() = 0;
};

// A directory, an .rdb file, or a directory with the parts of one; told apart by what they are, not
// by their names. Takes descriptors alone, so that it works inside a sandbox. kInvalidInput when it
// is neither; a FIFO, a device, a socket are refused.
base::Result<std::unique_ptr<BundleSource>> open_bundle(base::Fd fd);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_BUNDLE_SOURCE_H_
