// The names that stand first in every bundle, and the room that an archive gives them.
// provisioning/BUNDLE.md sections 1, 2.
#ifndef PROVISIONING_CONTAINER_ENTRY_NAMES_H_
#define PROVISIONING_CONTAINER_ENTRY_NAMES_H_

#include <cstddef>
#include <string_view>

namespace provisioning {

inline constexpr std::string_view kReleaseEntry = "release.dsse";
inline constexpr std::string_view kSignatureEntry = "model.sig";
inline constexpr std::string_view kSbomEntry = "sbom.cdx.json";
inline constexpr std::string_view kModelPrefix = "model/";
inline constexpr std::string_view kQualifyPrefix = "qualify/";

inline constexpr std::string_view kWhiteSpace = " \t\r\n";

// The size of an entry whose text has so many bytes: `least`, or, when fewer than 32 KiB of that
// are left, the next multiple of 64 KiB that leaves as much.
constexpr std::size_t padded_bytes(std::size_t text, std::size_t least) {
  constexpr std::size_t kRoom = std::size_t{32} << 10;
  constexpr std::size_t kStep = std::size_t{64} << 10;
  if (text + kRoom <= least) return least;
  return (text + kRoom + kStep - 1) / kStep * kStep;
}

inline constexpr std::size_t kReleaseRoomBytes = std::size_t{128} << 10;
inline constexpr std::size_t kSignatureRoomBytes = std::size_t{64} << 10;

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_ENTRY_NAMES_H_
