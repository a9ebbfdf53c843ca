// What vouches that floors.json is not an old copy: a counter that no write to the disk can turn
// back. The file's generation is held against it. The order of a write is the file first, durable,
// and then the counter: a power loss in between leaves a file that is one ahead, which is how the
// two are told from a file that was put back.
#ifndef PROVISIONING_TRUST_ANCHOR_H_
#define PROVISIONING_TRUST_ANCHOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

// STATE/trust/anchor.json: {"format":1,"kind":"tpm2","nv":"0x01800200","tcti":"device:/dev/tpmrm0"}
struct AnchorSettings {
  std::uint32_t nv_index = 0x01800200;      // in the range that belongs to the machine's owner
  std::string tcti = "device:/dev/tpmrm0";  // how the TPM is reached, as tpm2-tss names it

  std::string serialize() const;
  static base::Result<AnchorSettings> parse(std::string_view text);
};
// "0x" and eight hex digits, 0x01800000 to 0x01bfffff: the owner's share of the NV space.
base::Result<std::uint32_t> parse_nv_index(std::string_view text);

class Anchor {
 public:
  virtual ~Anchor() = default;

  // "file", or "tpm2 nv 0x01800200".
  virtual std::string describe() const = 0;
  // Where the counter stands; nothing when there is none, and floors.json stands for itself.
  virtual base::Result<std::optional<std::uint64_t>> read() = 0;
  // One up. Durable before this returns.
  virtual base::Status advance() = 0;
};

// Without a counter: read() says nothing, advance() does nothing.
std::unique_ptr<Anchor> make_file_anchor();
// The one that `path`, an anchor.json, names; the file anchor when there is no such file. Touches
// no device yet.
base::Result<std::unique_ptr<Anchor>> open_anchor(const std::string& path);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_ANCHOR_H_
