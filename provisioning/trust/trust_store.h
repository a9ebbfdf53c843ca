// What the appliance remembers of trust, below STATE/trust:
//
//   roots/N.root.dsse   every trust root that was accepted, the highest in force
//   floors.json         trust/floors.h
//   anchor.json         which TPM counter vouches for floors.json, if any (trust/anchor.h)
//   lock                held while any of these changes
//
// Each file appears by one rename of a synced file: after a power loss it is the old one or the new
// one. A root is durable before floors.json knows of it; what it says of the floors is made up for
// at the next start. Written as root, the files belong to whom the directory above belongs to.
#ifndef PROVISIONING_TRUST_TRUST_STORE_H_
#define PROVISIONING_TRUST_TRUST_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "provisioning/trust/anchor.h"
#include "provisioning/trust/floors.h"
#include "provisioning/trust/judgement.h"
#include "provisioning/trust/trust_root.h"

namespace provisioning {

inline constexpr std::size_t kRootsMax = 1'000;  // versions kept, and roots looked at in one update

class TrustStore {
 public:
  // `path` need not exist: then there is no root, and all floors are zero. kDenied when the anchor
  // says that floors.json is an old one, or floors.json that the trust root is; kCorrupt when what
  // is there cannot be read.
  static base::Result<TrustStore> open(std::string path);

  const std::optional<TrustRoot>& root() const { return root_; }
  const std::string& root_text() const { return root_text_; }  // the envelope in force; empty: none
  const Floors& floors() const { return floors_; }
  const std::string& anchor() const { return anchor_; }  // "tpm2 nv 0x01…" or "file"; for `status`

  // Each of the following reads again what is there (another process may have written), changes it,
  // and is durable before it returns. kUnavailable when another process holds the lock for longer
  // than a few seconds.

  // The first root; kDenied when there is one already.
  base::Status pin(std::string_view envelope_text);
  // The next root (open_next_root); applies its sequence_floors.
  base::Status update(std::string_view envelope_text);
  // After a release has proven itself: raises its line's floor, and the time to its date of issue;
  // by a clock that is not behind the floor itself, to a day ahead of it at most: one wrong date
  // must not make everything else expire. An older release, rolled back to, changes nothing.
  base::Status raise(const JudgedRelease& release);
  base::Status raise(const JudgedRelease& release, std::int64_t now);
  base::Status raise_time(std::int64_t unix_seconds);

  // Lets a TPM counter vouch for floors.json from now on; takes over the floors as they are, and
  // does not ask an earlier anchor. The operator's way in, and out after a TPM was replaced.
  static base::Status anchor_to(const std::string& path, const AnchorSettings& settings);

 private:
  explicit TrustStore(std::string path) : path_(std::move(path)) {}
  static base::Result<TrustStore> load(const std::string& path, bool locked);
  base::Status change(const std::function<base::Status(TrustStore&)>& alter);
  base::Status keep_root(TrustRoot root, std::string_view envelope_text);
  base::Status write_floors(Floors floors);

  std::string path_;
  std::optional<TrustRoot> root_;
  std::string root_text_;
  Floors floors_;
  std::string anchor_;
};

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_TRUST_STORE_H_
