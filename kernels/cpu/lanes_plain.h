// Sixteen lanes without any instruction set extension: what
// the other two lanes files must equal bit for bit.
//
// A lanes type has: F (16 floats), I (16 int32), Bytes (64 bytes: for each lane 4 consecutive
// elements), the operations on them, and a dot accumulator. Every float operation is one
// correctly rounded IEEE operation per lane, so every implementation gives the same bits. min and
// max return the second operand when either is NaN.
#ifndef KERNELS_CPU_LANES_PLAIN_H_
#define KERNELS_CPU_LANES_PLAIN_H_

#include <cstdint>
#include <cstring>

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/half.h"

namespace kernels::cpu {
namespace {

struct PlainLanes {
  static constexpr const char* kName = "cpu-plain";
  // Linear operations of at most kDirectRows rows read packed codes, kDirectStep rows in a call;
  // those of more unpack kBlockPanels panels first, and multiply kBlockRows rows in a call
  // (kHalfBlockRows where a block has two sums).
  static constexpr std::size_t kDirectStep = 2;
  static constexpr std::size_t kDirectRows = 4;
  static constexpr std::size_t kBlockPanels = 1;
  static constexpr std::size_t kBlockRows = 2;
  static constexpr std::size_t kHalfBlockRows = 2;
  // The same for weights that are floats.
  static constexpr std::size_t kFloatDirectStep = 1;
  static constexpr std::size_t kFloatDirectRows = 2;
  static constexpr std::size_t kFloatBlockRows = 4;
  static constexpr bool kSaturates = false;  // Dot depends on its kCodeMax
  static constexpr bool kHasTiles = false;   // lanes_amx.h
  static constexpr std::size_t kScoreQueries = 4;
  static constexpr std::size_t kScoreTile = 4;  // accumulators
  static constexpr std::size_t kMixQueries = 2;
  static constexpr std::size_t kMixTile = 4;

  struct F {
    float v[16];
  };
  struct I {
    std::int32_t v[16];
  };
  struct Bytes {
    std::uint8_t v[64];
  };

  template <typename Op>
  KERNELS_INLINE static F make(const Op& op) {
    F out;
    for (int i = 0; i < 16; ++i) out.v[i] = op(i);
    return out;
  }

  static F zero() { return F{}; }
  static F broadcast(float x) {
    return make([x](int) { return x; });
  }
  static F load(const float* at) {
    F out;
    std::memcpy(out.v, at, sizeof out.v);
    return out;
  }
  static void store(float* at, F x) { std::memcpy(at, x.v, sizeof x.v); }
  static F load_part(const float* at, std::size_t count) {
    F out{};
    std::memcpy(out.v, at, count * sizeof(float));
    return out;
  }
  static void store_part(float* at, F x, std::size_t count) {
    std::memcpy(at, x.v, count * sizeof(float));
  }
  static F load_f16(const std::uint16_t* at) {
    return make([at](int i) { return f16_to_f32(at[i]); });
  }
  static F load_bf16(const std::uint16_t* at) {
    return make([at](int i) { return bf16_to_f32(at[i]); });
  }
  static void store_f16(std::uint16_t* at, F x) {
    for (int i = 0; i < 16; ++i) at[i] = f32_to_f16(x.v[i]);
  }
  static F load_u8(const std::uint8_t* at) {
    return make([at](int i) { return static_cast<float>(at[i]); });
  }
  static F load_s8(const std::int8_t* at) {
    return make([at](int i) { return static_cast<float>(at[i]); });
  }
  // The low and the high four bits of sixteen bytes, as numbers.
  static F load_low_u4(const std::uint8_t* at) {
    return make([at](int i) { return static_cast<float>(at[i] & 15U); });
  }
  static F load_high_u4(const std::uint8_t* at) {
    return make([at](int i) { return static_cast<float>(at[i] >> 4U); });
  }
  // 2^(e - 128): subnormal for e of 0 and 1.
  static F load_e8m0(const std::uint8_t* at) {
    return make([at](int i) {
      const std::uint32_t bits = at[i] < 2 ? 0x00200000U << at[i] : (at[i] - 1U) << 23U;
      float out;
      std::memcpy(&out, &bits, sizeof out);
      return out;
    });
  }

  static F add(F a, F b) {
    return make([&](int i) { return a.v[i] + b.v[i]; });
  }
  static F sub(F a, F b) {
    return make([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F mul(F a, F b) {
    return make([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F div(F a, F b) {
    return make([&](int i) { return a.v[i] / b.v[i]; });
  }
  static F fma(F a, F b, F c) {
    return make([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
  }
  static F min(F a, F b) {
    return make([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F max(F a, F b) {
    return make([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  // x where x >= bound or is NaN, of `value`; zero elsewhere.
  static F zero_below(F value, F x, F bound) {
    return make([&](int i) { return x.v[i] < bound.v[i] ? 0.0F : value.v[i]; });
  }
  // Lanes first … last - 1 of x; `other` elsewhere.
  static F keep_range(F x, int first, int last, F other) {
    return make([&](int i) { return i >= first && i < last ? x.v[i] : other.v[i]; });
  }
  // 2^n for the float n + 1.5 * 2^23 (vector_math.h).
  static F power_of_two(F shifted) {
    return make([&](int i) {
      std::uint32_t bits;
      std::memcpy(&bits, &shifted.v[i], sizeof bits);
      bits = (bits << 23U) + 0x3f800000U;
      float out;
      std::memcpy(&out, &bits, sizeof out);
      return out;
    });
  }
  // x = n + rest for the integer n nearest to x, ties to even; x within [-126, 126].
  struct Power {
    F rest;
    F shifted;  // n + 1.5 * 2^23
  };
  static Power nearest_power(F x) {
    const F shift = broadcast(12582912.0F);
    const F shifted = add(x, shift);
    return {sub(x, sub(shifted, shift)), shifted};
  }
  // p * 2^n
  static F times_power(F p, const Power& power) { return mul(p, power_of_two(power.shifted)); }
  // Lane i with lane i + 8, then + 4, + 2, + 1.
  static float sum_by_halves(F x) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) x.v[i] = x.v[i] + x.v[i + half];
    }
    return x.v[0];
  }
  static float max_by_halves(F x) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) x.v[i] = x.v[i] > x.v[i + half] ? x.v[i] : x.v[i + half];
    }
    return x.v[0];
  }
  // Largest magnitude of the lanes of a and b; NaN if any is NaN.
  static float largest_magnitude(F a, F b) {
    std::uint32_t largest = 0;
    for (int i = 0; i < 16; ++i) {
      for (const F* x : {&a, &b}) {
        std::uint32_t bits;
        std::memcpy(&bits, &x->v[i], sizeof bits);
        bits &= 0x7fffffffU;
        if (bits > largest) largest = bits;
      }
    }
    float out;
    std::memcpy(&out, &largest, sizeof out);
    return out;
  }
  // Rounds to nearest, ties to even. Finite lanes are within [-127, 127].
  static void store_int8(std::int8_t* at, F x) {
    for (int i = 0; i < 16; ++i) {
      const bool fits = x.v[i] >= -127.5F && x.v[i] <= 127.5F;
      at[i] = static_cast<std::int8_t>(fits ? __builtin_lrintf(x.v[i]) : -128);
    }
  }

  // store_int8 of a and of b behind it; and the sums of both halves' bytes.
  static void store_int8(std::int8_t* at, F a, F b, std::int32_t (&sums)[2]) {
    store_int8(at, a);
    store_int8(at + 16, b);
    sums[0] = sums[1] = 0;
    for (int i = 0; i < 16; ++i) {
      sums[0] += at[i];
      sums[1] += at[16 + i];
    }
  }

  static I broadcast_int(std::int32_t x) {
    I out;
    for (std::int32_t& lane : out.v) lane = x;
    return out;
  }
  static F to_float(I x) {
    return make([&](int i) { return static_cast<float>(x.v[i]); });
  }

  static Bytes load_bytes(const void* at) {
    Bytes out;
    std::memcpy(out.v, at, sizeof out.v);
    return out;
  }
  static void store_bytes(void* at, Bytes x) { std::memcpy(at, x.v, sizeof x.v); }
  // The bits of each byte that stand at kMask once shifted right by kShift.
  template <int kShift, int kMask>
  static Bytes take_bits(Bytes x) {
    for (std::uint8_t& byte : x.v) byte = static_cast<std::uint8_t>(byte >> kShift & kMask);
    return x;
  }
  // Sixteen signed bytes, and each code's entry among them.
  struct Table {
    std::int8_t v[16];
  };
  static Table load_table(const std::int8_t* at) {
    Table out;
    std::memcpy(out.v, at, sizeof out.v);
    return out;
  }
  static Bytes look_up(Table table, Bytes codes) {
    for (std::uint8_t& code : codes.v) code = static_cast<std::uint8_t>(table.v[code & 15U]);
    return codes;
  }
  // x | the bits of `upper` that stand at kMask once shifted left by kShift (right, when negative).
  template <int kShift, int kMask>
  static Bytes insert_bits(Bytes x, Bytes upper) {
    for (int i = 0; i < 64; ++i) {
      const int shifted = kShift >= 0 ? upper.v[i] << (kShift & 7) : upper.v[i] >> (-kShift & 7);
      x.v[i] = static_cast<std::uint8_t>(x.v[i] | (shifted & kMask));
    }
    return x;
  }

  template <int kShift>
  static I shift_left(I x) {
    for (std::int32_t& lane : x.v) lane *= 1 << kShift;
    return x;
  }
  template <int kShift>  // arithmetic
  static I shift_right(I x) {
    for (std::int32_t& lane : x.v) lane >>= kShift;
    return x;
  }

  // Codes in the form Dot takes, and where a sum of signed codes starts in that form.
  template <bool kSigned>
  static Bytes for_products(Bytes codes) {
    return codes;
  }
  static I signed_start(const QuantBlock&) { return broadcast_int(0); }

  // acc[p][i] += codes of k-group kGroup (of panel p) times the same elements of activation row i,
  // in exact integers. Unsigned codes are at most kCodeMax. The sum is whole after widen().
  template <std::size_t kPanels, std::size_t kRows, bool kSigned, unsigned kCodeMax>
  struct Dot {
    I acc[kPanels][kRows];

    void start(std::size_t i, I value) {
      for (std::size_t p = 0; p < kPanels; ++p) acc[p][i] = value;
    }
    template <std::size_t kGroup>
    void add(const Bytes (&w)[kPanels], const QuantBlock* x) {
      for (std::size_t p = 0; p < kPanels; ++p) {
        for (std::size_t i = 0; i < kRows; ++i) add_products(w[p], x[i].q + 4 * kGroup, &acc[p][i]);
      }
    }
    static void add_products(const Bytes& w, const std::int8_t* q, I* sum) {
      for (int lane = 0; lane < 16; ++lane) {
        for (int b = 0; b < 4; ++b) {
          const int code =
              kSigned ? static_cast<std::int8_t>(w.v[4 * lane + b]) : w.v[4 * lane + b];
          sum->v[lane] += code * q[b];
        }
      }
    }
    void widen() {}
  };
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LANES_PLAIN_H_
