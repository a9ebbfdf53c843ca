// about.json: what the store says of a model beside what was signed. Ours alone; nothing in it
// decides what may run.
#ifndef PROVISIONING_STORE_ABOUT_H_
#define PROVISIONING_STORE_ABOUT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "provisioning/store/model_store.h"

namespace provisioning {

inline constexpr std::size_t kAboutBytesMax = 16u << 10;
inline constexpr std::size_t kSignersMax = 64;

// All of a StoredModel but its directory:
//
//   {"format":1,"id":HEX,"bare":false,"name":"assistant","sequence":7,"version":"2026.11","imported":1795284000,
//    "signers":[HEX,…],"bytes":N,"verity":false}
std::string serialize_about(const StoredModel& model);
// Strict: unknown members, ids that are none, names nobody may have are refused.
base::Result<StoredModel> parse_about(std::string_view text);

// 64 lower-case hex digits.
bool is_digest_text(std::string_view text);

}  // namespace provisioning

#endif  // PROVISIONING_STORE_ABOUT_H_
