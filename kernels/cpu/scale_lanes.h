// The scales and mins of a panel's blocks of 32 columns, sixteen rows at a time, as floats.
//
// Each product is exact: binary16 has 11 significant bits, scales and mins at most 8.
#ifndef KERNELS_CPU_SCALE_LANES_H_
#define KERNELS_CPU_SCALE_LANES_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/formats/block_format.h"

namespace kernels::cpu {
namespace {

using formats::ScaleKind;

// Blocks of 32 columns that share a scale of their scales.
template <ScaleKind kKind>
constexpr std::size_t kSubBlocks = formats::kBlockElements<kKind> / 32;
// Sums of a block of 32 columns with a scale of their own: 2 where groups have 16 elements.
template <ScaleKind kKind>
constexpr std::size_t kHalves = formats::kGroupElements<kKind> == 16 ? 2 : 1;
template <ScaleKind kKind>
constexpr bool kHasMins = formats::kHasMins<kKind>;

// Walks the scales of a panel. begin_super once per kSubBlocks blocks, then next for each of them:
//   element = scale[half] * (code - zero) - min[half]
template <typename L, ScaleKind kKind>
struct ScaleWalk {
  const std::uint8_t* at;
  typename L::F d;
  typename L::F dmin;
  typename L::F scale[2];
  typename L::F min[2];

  KERNELS_INLINE explicit ScaleWalk(const std::uint8_t* scales) : at(scales) {}

  KERNELS_INLINE void begin_super() {
    if constexpr (kSubBlocks < kKind >> 1) {
      d = take_f16();
      if constexpr (kHasMins<kKind>) dmin = take_f16();
    }
  }

  KERNELS_INLINE void next() {
    if constexpr (kKind == ScaleKind::kF16) {
      scale[0] = take_f16();
    } else if constexpr (kKind == ScaleKind::kF16Min) {
      scale[0] = take_f16();
      min[0] = L::sub(L::zero(), take_f16());  // the file's m is added
    } else if constexpr (kKind == ScaleKind::kE8M0) {
      scale[0] = L::load_e8m0(take(kLanes));
    } else if constexpr (kKind == ScaleKind::kSuperMin32) {
      scale[0] = L::mul(d, L::load_u8(take(kLanes)));
      min[0] = L::mul(dmin, L::load_u8(take(kLanes)));
    } else if constexpr (kKind == ScaleKind::kSuper16) {
      scale[0] = L::mul(d, take_s8());
      scale[1] = L::mul(d, take_s8());
    } else if constexpr (kKind == ScaleKind::kSuperMin16) {
      for (std::size_t half = 0; half < 2; ++half) {
        const std::uint8_t* both = take(kLanes);
        scale[half] = L::mul(d, L::load_low_u4(both));
        min[half] = L::mul(dmin, L::load_high_u4(both));
      }
    } else if constexpr (kKind == ScaleKind::kSuper32) {
      scale[0] = L::mul(d, take_s8());
    } else {
      static_assert(kKind == ScaleKind::kSuper);
      scale[0] = d;
    }
  }

 private:
  KERNELS_INLINE const std::uint8_t* take(std::size_t bytes) {
    const std::uint8_t* taken = at;
    at += bytes;
    return taken;
  }
  KERNELS_INLINE typename L::F take_f16() {
    return L::load_f16(reinterpret_cast<const std::uint16_t*>(take(2 * kLanes)));
  }
  KERNELS_INLINE typename L::F take_s8() {
    return L::load_s8(reinterpret_cast<const std::int8_t*>(take(kLanes)));
  }
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_SCALE_LANES_H_
