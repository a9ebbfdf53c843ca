// Which objects a model is made of: STORE/models/<id>/objects, one line "<sha256> <size>\n" for
// each, in the order of the digests, none twice. So that nobody who only counts and deletes has to
// read what came from outside.
#ifndef PROVISIONING_STORE_OBJECT_LIST_H_
#define PROVISIONING_STORE_OBJECT_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace provisioning {

inline constexpr std::string_view kObjectListName = "objects";
inline constexpr std::size_t kObjectsMax = 50'000;
inline constexpr std::size_t kObjectListBytesMax =
    kObjectsMax * 86;  // 64 digits, a space, 20 digits, a newline

struct StoredObject {
  std::string sha256;  // lower-case hex
  std::uint64_t size = 0;

  friend auto operator<=>(const StoredObject&, const StoredObject&) = default;
};

// Sorts and drops repetitions.
std::string serialize_object_list(std::vector<StoredObject> objects);
// Strict: exactly what serialize_object_list() writes.
base::Result<std::vector<StoredObject>> parse_object_list(std::string_view text);

}  // namespace provisioning

#endif  // PROVISIONING_STORE_OBJECT_LIST_H_
