// The one shape of tar that a .rdb has: POSIX ustar (IEEE Std 1003.1, pax), where every header
// follows from a name and a size alone. Reading means taking name and size out, encoding them again
// and comparing all bytes: whatever else tar can say (links, devices, owners, sparse files,
// long-name members of GNU, base-256 numbers, …) has no way to be said. provisioning/BUNDLE.md
// section 2.
//
// The headers are encoded here and not by libarchive, because it ends its octal fields with a
// space, has one digit less in them, and writes sizes from 8 GiB in base 256 beside the pax record:
// these bytes are instead those of GNU tar (--format=ustar --mode=0444
// --owner=0 --group=0 --numeric-owner --mtime=@0), so that common tools can make a bundle.
// libarchive reads them back as a second opinion: container/archive_listing.h.
#ifndef PROVISIONING_CONTAINER_TAR_PROFILE_H_
#define PROVISIONING_CONTAINER_TAR_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

inline constexpr std::size_t kTarBlockBytes = 512;
inline constexpr std::size_t kTarHeaderBytesMax =
    3 * kTarBlockBytes;  // pax header, its records, the member's header
inline constexpr std::size_t kTarEndBytes = 2 * kTarBlockBytes;
inline constexpr std::size_t kTarNameBytesMax = 255;
inline constexpr std::uint64_t kUstarSizeEnd =
    std::uint64_t{1} << 33;  // the first size that 11 octal digits cannot say
inline constexpr std::uint64_t kTarSizeMax = std::uint64_t{4} << 40;

struct TarMember {
  std::string name;
  std::uint64_t size = 0;
};

// The header of a member, one block or three. Requires a name of 1 to kTarNameBytesMax bytes and a
// size up to kTarSizeMax.
std::string encode_tar_header(std::string_view name, std::uint64_t size);

// How many bytes the header has that begins with this block: one block or three, by its type flag
// alone.
std::size_t tar_header_bytes(std::span<const std::byte, kTarBlockBytes> first_block);

// Exactly the bytes of one header. kDenied when they are not what encode_tar_header makes of the
// name and size in them. A name is whatever stands there: what names a bundle may have is its
// statement's to say.
base::Result<TarMember> parse_tar_header(std::span<const std::byte> header);

// How many zeros follow a member's bytes.
inline std::size_t tar_padding(std::uint64_t size) {
  return static_cast<std::size_t>((kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes);
}

bool all_zero(std::span<const std::byte> bytes);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_TAR_PROFILE_H_
