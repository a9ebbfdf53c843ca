// The files below STATE/trust as files: names, owners, the lock. What is in them is
// trust_store.cc's to judge.
#ifndef PROVISIONING_TRUST_TRUST_FILES_H_
#define PROVISIONING_TRUST_TRUST_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace provisioning {

class TrustFiles {
 public:
  explicit TrustFiles(std::string directory) : directory_(std::move(directory)) {}

  std::string floors_path() const { return directory_ + "/floors.json"; }
  std::string anchor_path() const { return directory_ + "/anchor.json"; }
  std::string root_path(std::uint64_t version) const;

  // Of the roots there are, in order; none when there is no directory. Other names are passed over.
  base::Result<std::vector<std::uint64_t>> root_versions() const;

  // Creates the directory where it is missing (the one above must be there), and takes the lock for
  // as long as the descriptor lives; waits a few seconds for another process.
  base::Result<base::Fd> lock() const;
  // By base::replace_file. Requires the lock.
  base::Status write(const std::string& path, std::string_view text) const;
  base::Status write_root(std::uint64_t version, std::string_view text) const;

 private:
  base::Status ensure_directory(const std::string& path) const;

  std::string directory_;
};

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_TRUST_FILES_H_
