// The lanes of AVX-512 beside the tile registers of AMX: a tile of activation rows times a block of
// codes is one instruction (TDPBSSD: signed bytes, summed by fours into int32). For many rows only;
// everything else is left to the AVX-512 kernels, whose bits these equal.
#ifndef KERNELS_CPU_LANES_AMX_H_
#define KERNELS_CPU_LANES_AMX_H_

#include "kernels/cpu/lanes_avx512.h"

namespace kernels::cpu {
namespace {

struct AmxLanes : Avx512Lanes {
  static constexpr const char* kName = "cpu-amx";
  static constexpr std::size_t kDirectRows = 0;
  static constexpr bool kHasTiles = true;

  // Shapes of the tile registers. 0 to 3: kTileRows rows of sixteen sums. 4 and 7: kTileRows rows
  // of 32 activations. 5 and 6: eight groups of four columns of sixteen weight rows. Intel SDM,
  // volume 1, section 18.3.
  struct alignas(64) TileShapes {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 32, 64, 64, 32};
    std::uint8_t rows[16] = {kTileRows, kTileRows, kTileRows, kTileRows,
                             kTileRows, 8,         8,         kTileRows};
  };

  // Between begin_tiles and end_tiles a thread may multiply. The instructions are written out
  // because the compiler's own names for them do not tell it which memory they read.
  KERNELS_INLINE static void begin_tiles() {
    const TileShapes shapes;
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  KERNELS_INLINE static void end_tiles() { asm volatile("tilerelease"); }

  // multiply begins the products of kTileRows activation rows with the codes of two panels, and
  // store_products waits for them: products[p][i] = the sixteen sums of row x[i] with panel p. Both
  // parities may be under way.
  // The sums are in registers 0 and 1 or in 2 and 3, the activations in 4 or in 7.
  template <std::size_t kParity>
  KERNELS_INLINE static void multiply(const std::uint8_t (*codes)[2][64], const QuantBlock* x) {
    asm volatile(
        "tileloadd (%[x], %[x_stride]), %%tmm%c[rows]\n\t"
        "tileloadd (%[codes0], %[codes_stride]), %%tmm5\n\t"
        "tilezero %%tmm%c[sums0]\n\t"
        "tdpbssd %%tmm5, %%tmm%c[rows], %%tmm%c[sums0]\n\t"
        "tileloadd (%[codes1], %[codes_stride]), %%tmm6\n\t"
        "tilezero %%tmm%c[sums1]\n\t"
        "tdpbssd %%tmm6, %%tmm%c[rows], %%tmm%c[sums1]"
        :
        : [x] "r"(x), [x_stride] "r"(sizeof *x), [codes0] "r"(codes[0][0]),
          [codes1] "r"(codes[0][1]), [codes_stride] "r"(sizeof *codes), [rows] "i"(4 + 3 * kParity),
          [sums0] "i"(2 * kParity), [sums1] "i"(2 * kParity + 1)
        : "memory");
  }
  template <std::size_t kParity>
  KERNELS_INLINE static void store_products(std::int32_t (*products)[kTileRows][kLanes]) {
    asm volatile(
        "tilestored %%tmm%c[sums0], (%[to0], %[stride])\n\t"
        "tilestored %%tmm%c[sums1], (%[to1], %[stride])"
        :
        : [to0] "r"(products[0]), [to1] "r"(products[1]), [stride] "r"(sizeof **products),
          [sums0] "i"(2 * kParity), [sums1] "i"(2 * kParity + 1)
        : "memory");
  }

  // Codes whose zero is taken off before they are multiplied.
  template <int kZero>
  KERNELS_INLINE static Bytes less_zero(Bytes codes) {
    return kZero == 0 ? codes : _mm512_sub_epi8(codes, _mm512_set1_epi8(kZero));
  }
  KERNELS_INLINE static I load_ints(const std::int32_t* at) { return _mm512_load_si512(at); }
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LANES_AMX_H_
