// What an importer writes: files by content, below STORE/staging, so that an import that lost power
// goes on where it was.
//
//   <id>/<sha256>          a finished file: complete, hashed and synced before it got this name
//   <id>/<sha256>.chunks   the SHA-256 digests of its 4 MiB pieces, synced before that
//   <id>/<sha256>.part     the file under way
//   <id>/release.dsse, <id>/model.sig
//   <id>/objects           what the model is made of (store/object_list.h), written last: now
//   everything is there
//
// Going on: finished files are believed by name and size, because of the order above (and whoever
// loads one checks it again, piece by piece). The part is hashed anew from the staging, and the
// medium is read from there. Whatever else was left (texts, digests without their file) the store
// removes before an importer starts, so that here files are created and never replaced.
//
// Made for a sandbox: of the file system it calls openat, mkdirat, renameat, fsync and fstat alone,
// with the flags that hardening/record_rules.cc lists.
#ifndef PROVISIONING_STORE_STAGING_H_
#define PROVISIONING_STORE_STAGING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/container/multi_hash.h"
#include "provisioning/store/hash_threads.h"

namespace provisioning {

class Staging {
 public:
  // STORE/staging/<id>, made when it is not there. `objects` (STORE/objects, may be O_PATH) says
  // what the store has already.
  static base::Result<Staging> open(const base::Fd& staging, base::Fd objects,
                                    const std::string& id);

  // Whether nothing of this file needs to be read any more: the store has it, or an earlier run
  // finished it.
  bool in_store(const std::string& sha256, std::uint64_t size) const;
  bool finished(const std::string& sha256, std::uint64_t size) const;

  // How much of the file the part holds; 0 when there is none.
  std::uint64_t resumable(const std::string& sha256, std::uint64_t size) const;

  // Fills the span, as far as there are bytes; 0 at the end of the file.
  using Reader = std::function<base::Result<std::size_t>(std::span<std::byte>)>;
  // Called with the count of bytes that were added.
  using Advance = std::function<void(std::uint64_t)>;

  struct Expected {
    std::string sha256;  // lower-case hex
    std::uint64_t size = 0;
    // Whether the digests are those that were signed; kDenied says what is wrong.
    std::function<base::Status(const FileDigests&)> check;
  };
  // Takes a file over: `read` delivers it from byte `resumable()` on. It appears under its name
  // when every digest is right and all is on disk.
  base::Status take(const Expected& file, HashThreads& hash, const Reader& read,
                    const Advance& advance);

  // The same for a file that the store has: nothing is read of the medium. kCorrupt when the
  // store's copy is damaged or cannot be read, and has to be taken over again.
  base::Status check_stored(const Expected& file, HashThreads& hash, const Advance& advance) const;

  // A new file with that text, synced.
  base::Status put(const std::string& name, std::string_view text);
  // Of a file that was finished here.
  base::Result<base::Fd> open_object(const std::string& sha256) const;
  // All names are durable.
  base::Status sync();

  // That writing failed, and not reading: whether the fault is ours or the medium's.
  bool write_failed() const { return write_failed_; }
  bool resumed() const { return resumed_; }

 private:
  Staging(base::Fd directory, base::Fd objects)
      : directory_(std::move(directory)), objects_(std::move(objects)) {}

  base::Result<base::Fd> open_part(const Expected& file);
  base::Status write(const base::Fd& file, std::span<const std::byte> bytes);
  base::Status finish(const base::Fd& part, const Expected& file, const FileDigests& digests);
  base::Status failed(base::Status status);

  base::Fd directory_;
  base::Fd objects_;
  bool write_failed_ = false;
  bool resumed_ = false;
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_STAGING_H_
