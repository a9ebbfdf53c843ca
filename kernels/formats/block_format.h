// The words a block format is described in. A format is a type of this folder (q4_1.h, …): constant
// data, from which the panels of the CPU backend and its kernels follow, and two functions.
//
// An element of every format is
//   element = d * scale * (value(code) - kZero) - dmin * min
// where value(code) is kTable[code] if there is a table and the code itself if not.
//
// Files compiled for several instruction sets include these headers, so there is constant data here
// and no function with a body: functions live in source files.
#ifndef KERNELS_FORMATS_BLOCK_FORMAT_H_
#define KERNELS_FORMATS_BLOCK_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace kernels {
struct BlockCodes;
}

namespace kernels::formats {

// How the scales of a panel of 16 rows lie in memory; a [16] is one value per row.
enum class ScaleKind : std::uint8_t {
  kF16,         // per 32:  d[16], binary16
  kF16Min,      // per 32:  d[16], m[16], binary16; m is added (min is -1)
  kE8M0,        // per 32:  e[16], bytes; d = 2^(e - 128)
  kSuperMin32,  // per 256: d[16], dmin[16]; then per 32: scale[16], min[16], bytes
  kSuper16,     // per 256: d[16]; then per 16: scale[16], signed bytes
  kSuperMin16,  // per 256: d[16], dmin[16]; then per 16: one byte[16], scale low nibble, min high
  kSuper32,     // per 256: d[16]; then per 32: scale[16], signed bytes
  kSuper,       // per 256: d[16]
};

// Elements of a block.
template <ScaleKind kKind>
constexpr std::size_t kBlockElements =
    kKind == ScaleKind::kF16 || kKind == ScaleKind::kF16Min || kKind == ScaleKind::kE8M0 ? 32 : 256;

// Elements that share a scale (and a min).
template <ScaleKind kKind>
constexpr std::size_t kGroupElements =
    kKind == ScaleKind::kSuper                                        ? 256
    : kKind == ScaleKind::kSuper16 || kKind == ScaleKind::kSuperMin16 ? 16
                                                                      : 32;

template <ScaleKind kKind>
constexpr bool kHasMins = kKind == ScaleKind::kF16Min || kKind == ScaleKind::kSuperMin32 ||
                          kKind == ScaleKind::kSuperMin16;

// What most formats have; each says what differs, and adds
//   kFormat   its number
//   kLowBits  bits of a code in the first part of a panel: 8 (signed codes, alone), 4 or 2
//   kScales   the kind of its scales
//   read      one block of the file, kBlockBytes, as plain integers
//   quantize  kBlockElements finite floats made into a block
struct BlockFormat {
  static constexpr unsigned kUpperBits = 0;  // bits of a code above the low ones: 0, 1 or 2
  static constexpr int kZero = 0;            // the code that stands for nothing
  static constexpr bool kHasTable = false;
  static constexpr const std::int8_t* kTable = nullptr;  // [16], or null
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_BLOCK_FORMAT_H_
