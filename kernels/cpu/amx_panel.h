// Panels of a quantised weight as the matrix unit (AMX) reads them: codes as signed bytes, scales as floats.
//
// Codes are [block of 32][k-group 8][lanes x 4], shifted to be signed where the format shifts them, so that TDPBSSD
// gives the same integer sums that the byte dots of lanes_avx512.h reach by their own way. Scales are the products
// that linear_tile.h forms, d * sub-scale and dmin * sub-min, which are exact.
#ifndef KERNELS_CPU_AMX_PANEL_H_
#define KERNELS_CPU_AMX_PANEL_H_

#include "kernels/cpu/lanes_avx512.h"

namespace kernels::cpu {
namespace {

struct AmxPanel {
  const std::int8_t* codes;
  const float* scales;  // [block][16]; Q6_K: [block][2][16]
  const float* mins;    // [block][16]; Q4_K and Q5_K
};

// Bytes of scratch that one unpacked panel takes.
KERNELS_INLINE std::size_t amx_panel_bytes(std::size_t cols) { return cols / kBlock * (512 + 2 * 64); }

template <int kShift>
KERNELS_INLINE void store_codes(std::int8_t* to, __m512i codes) {
  _mm512_storeu_si512(to, _mm512_sub_epi8(codes, _mm512_set1_epi8(kShift)));
}

// The eight k-groups of one block of four-, five- or six-bit codes.
template <Format kFormat>
KERNELS_INLINE void unpack_block(const std::uint8_t* nibbles, const std::uint8_t* upper, std::int8_t* to) {
  using L = Avx512Lanes;
  constexpr int kShift = kFormat == Format::kQ4_0 ? 8 : kFormat == Format::kQ6_K ? 32 : 0;
  unroll<4>([&](auto v) KERNELS_INLINE_LAMBDA {
    constexpr int kGroup = decltype(v)::value;
    const __m512i bytes = L::load_bytes(nibbles + 64 * v);
    __m512i low = L::low_nibbles(bytes);
    __m512i high = L::high_nibbles(bytes);
    if constexpr (kFormat == Format::kQ5_K) {
      low = L::insert_bits<4 - kGroup, 0x10>(low, L::load_bytes(upper));
      high = L::insert_bits<-kGroup, 0x10>(high, L::load_bytes(upper));
    }
    if constexpr (kFormat == Format::kQ6_K) {
      low = L::insert_bits<4 - 2 * kGroup, 0x30>(low, L::load_bytes(upper));
      high = L::insert_bits<4 - 2 * kGroup, 0x30>(high, L::load_bytes(upper + 64));
    }
    store_codes<kShift>(to + 64 * v, low);
    store_codes<kShift>(to + 64 * (v + 4), high);
  });
}

template <Format kFormat>
KERNELS_INLINE void unpack_codes(const PackedWeight& weight, const std::uint8_t* panel, std::int8_t* to) {
  constexpr std::size_t kUpperBytes = kFormat == Format::kQ5_K ? 64 : kFormat == Format::kQ6_K ? 128 : 0;
  for (std::size_t b = 0; b < weight.cols / kBlock; ++b) {
    unpack_block<kFormat>(panel + 256 * b, panel + weight.upper_offset + kUpperBytes * b, to + 512 * b);
  }
}

// Q8_0 and Q4_0: d alone.
KERNELS_INLINE void unpack_d(const PackedWeight& weight, const std::uint8_t* panel, float* scales) {
  using L = Avx512Lanes;
  const auto* d = reinterpret_cast<const std::uint16_t*>(panel + weight.scale_offset);
  for (std::size_t b = 0; b < weight.cols / kBlock; ++b) L::store(scales + kLanes * b, L::load_f16(d + kLanes * b));
}

// Q4_K and Q5_K.
KERNELS_INLINE void unpack_k_scales(const PackedWeight& weight, const std::uint8_t* panel, float* scales, float* mins) {
  using L = Avx512Lanes;
  const std::uint8_t* at = panel + weight.scale_offset;
  for (std::size_t super = 0; super < weight.cols / 256; ++super) {
    const auto d = L::load_f16(reinterpret_cast<const std::uint16_t*>(at));
    const auto dmin = L::load_f16(reinterpret_cast<const std::uint16_t*>(at + 32));
    at += 64;
    for (std::size_t sub = 0; sub < 8; ++sub) {
      L::store(scales, L::mul(d, L::load_u8(at)));
      L::store(mins, L::mul(dmin, L::load_u8(at + 16)));
      at += 32;
      scales += kLanes;
      mins += kLanes;
    }
  }
}

KERNELS_INLINE void unpack_q6_scales(const PackedWeight& weight, const std::uint8_t* panel, float* scales) {
  using L = Avx512Lanes;
  const std::uint8_t* at = panel + weight.scale_offset;
  for (std::size_t super = 0; super < weight.cols / 256; ++super) {
    const auto d = L::load_f16(reinterpret_cast<const std::uint16_t*>(at));
    at += 32;
    for (std::size_t half = 0; half < 16; ++half) {
      L::store(scales, L::mul(d, L::load_s8(reinterpret_cast<const std::int8_t*>(at))));
      at += 16;
      scales += kLanes;
    }
  }
}

// Unpacks panel `index` into scratch of amx_panel_bytes.
KERNELS_INLINE AmxPanel unpack_panel(const PackedWeight& weight, std::size_t index, std::byte* scratch) {
  const std::uint8_t* panel = weight.data + index * weight.panel_bytes;
  auto* codes = reinterpret_cast<std::int8_t*>(scratch);
  auto* scales = reinterpret_cast<float*>(scratch + weight.cols / kBlock * 512);
  float* mins = scales + weight.cols / kBlock * kLanes;
  switch (weight.format) {
    case Format::kQ8_0:
      unpack_d(weight, panel, scales);
      return {reinterpret_cast<const std::int8_t*>(panel), scales, mins};
    case Format::kQ4_0:
      unpack_codes<Format::kQ4_0>(weight, panel, codes);
      unpack_d(weight, panel, scales);
      break;
    case Format::kQ4_K:
      unpack_codes<Format::kQ4_K>(weight, panel, codes);
      unpack_k_scales(weight, panel, scales, mins);
      break;
    case Format::kQ5_K:
      unpack_codes<Format::kQ5_K>(weight, panel, codes);
      unpack_k_scales(weight, panel, scales, mins);
      break;
    case Format::kQ6_K:
      unpack_codes<Format::kQ6_K>(weight, panel, codes);
      unpack_q6_scales(weight, panel, scales);
      break;
    case Format::kF32:
    case Format::kF16:
    case Format::kBF16: break;  // never here: see linear_with_amx
  }
  return {codes, scales, mins};
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_AMX_PANEL_H_
