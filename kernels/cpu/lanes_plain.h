// Sixteen lanes without any instruction set extension: what
// the other two lanes files must equal bit for bit.
//
// A lanes type has: F (16 floats), I (16 int32), Bytes (64 bytes: for each lane 4 consecutive
// elements), the operations on them, and two dot accumulators. Every float operation is one
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
  static constexpr std::size_t kQuantStep = 4;
  static constexpr std::size_t kFloatStep = 4;
  static constexpr std::size_t kScoreQueries = 4;
  static constexpr std::size_t kMixQueries = 2;
  static constexpr std::size_t kMixVectors = 2;

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
  // The low and the high four bits of each byte.
  static Bytes low_nibbles(Bytes x) {
    for (std::uint8_t& byte : x.v) byte &= 0x0fU;
    return x;
  }
  static Bytes high_nibbles(Bytes x) {
    for (std::uint8_t& byte : x.v) byte = static_cast<std::uint8_t>(byte >> 4U);
    return x;
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

  // acc[i] += weights of k-group `group` times the same
  // elements of activation row i, in exact integers.
  template <std::size_t kRows, bool kSigned>
  struct Dot {
    I acc[kRows];

    void start(std::size_t i, std::int32_t value) { acc[i] = broadcast_int(value); }
    void add(Bytes w, const QuantBlock* x, std::size_t group) {
      for (std::size_t i = 0; i < kRows; ++i) {
        const std::int8_t* q = x[i].q + 4 * group;
        for (int lane = 0; lane < 16; ++lane) {
          for (int b = 0; b < 4; ++b) {
            const int code =
                kSigned ? static_cast<std::int8_t>(w.v[4 * lane + b]) : w.v[4 * lane + b];
            acc[i].v[lane] += code * q[b];
          }
        }
      }
    }
    void widen() {}
  };

  template <std::size_t kRows>
  struct SignedDot : Dot<kRows, true> {
    void begin(const QuantBlock*) {
      for (std::size_t i = 0; i < kRows; ++i) this->start(i, 0);
    }
  };
  template <std::size_t kRows>
  using UnsignedDot = Dot<kRows, false>;
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LANES_PLAIN_H_
