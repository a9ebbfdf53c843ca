// The limits on what a bundle may claim. Raising one costs memory before anything is proven; lowering one
// refuses bundles that exist in the field.
#ifndef PROVISIONING_LIMITS_H_
#define PROVISIONING_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace provisioning {

inline constexpr std::size_t kSignatureBytesMax = 16u << 20;  // a model.sig; about 150 bytes per file it names
inline constexpr std::size_t kResourcesMax = 50'000;          // files one signature covers
inline constexpr std::size_t kIgnorePathsMax = 64;
inline constexpr std::size_t kDirectoryDepthMax = 32;
inline constexpr std::size_t kKeyFileBytesMax = 64u << 10;
inline constexpr std::size_t kModelNameBytesMax = 128;
inline constexpr std::uint64_t kFileBytesMax = std::uint64_t{4} << 40;  // one file; beyond any model there is
inline constexpr std::size_t kCopyBytes = 1u << 20;  // read, hash and write in pieces of this size

static_assert(kResourcesMax * 200 < kSignatureBytesMax, "a signature over the most files still fits its limit");

}  // namespace provisioning

#endif  // PROVISIONING_LIMITS_H_
