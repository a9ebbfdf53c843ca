// NAME.rdb.parts: how a bundle was cut into pieces that fit a medium. Neither signed nor trusted;
// it tells a damaged medium from a good one before hours of copying. provisioning/BUNDLE.md
// section 2.
#ifndef PROVISIONING_CONTAINER_PARTS_H_
#define PROVISIONING_CONTAINER_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/sha256.h"

namespace provisioning {

inline constexpr std::string_view kPartsSuffix = ".rdb.parts";
inline constexpr std::size_t kPartsMax = 999;  // three digits in their names
inline constexpr std::size_t kPartsTextMax = 128u << 10;
inline constexpr std::uint64_t kPartBytesMin = 512;

struct PartsIndex {
  std::uint64_t bytes = 0;       // of the whole
  std::uint64_t part_bytes = 0;  // of each part but the last
  std::vector<Sha256Digest> sha256;

  std::uint64_t size_of(std::size_t part) const;  // counted from 0
};

// kInvalidInput unless the count of parts follows from the two sizes.
base::Result<PartsIndex> parse_parts(std::string_view text);
std::string serialize_parts(const PartsIndex& index);

// "NAME.rdb" and 0 make "NAME.rdb.001".
std::string part_name(std::string_view archive_name, std::size_t part);
// How many parts; 0 when there would be none or more than kPartsMax, or the size is below
// kPartBytesMin.
std::size_t part_count(std::uint64_t bytes, std::uint64_t part_bytes);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_PARTS_H_
