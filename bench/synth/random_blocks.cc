#include "bench/synth/random_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/half.h"

namespace bench {
namespace {

using kernels::Format;

class Cursor {
 public:
  explicit Cursor(std::span<std::byte> bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }

  template <typename T>
  void put(T value) {
    std::memcpy(bytes_.data(), &value, sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
  }

  void put_half(float value) { put(kernels::f32_to_f16(value)); }

  // Multiples of four.
  void put_random(RandomStream& random, std::size_t count) {
    for (; count >= 8; count -= 8) put(random.next());
    if (count == 4) put(static_cast<std::uint32_t>(random.next() >> 32));
  }

 private:
  std::span<std::byte> bytes_;
};

// 0.75 to 1.25, so that blocks differ in scale.
float vary(RandomStream& random) {
  return 0.75f + 0.5f * static_cast<float>(random.next() >> 40) / 16'777'216.0f;
}

// Each block function below draws codes from all their values, and sets the scale for deviation 1
// by the variance those codes have; the blocks are laid out as ggml-common.h has them.

// w = d q: q with deviation 37, which leaves the ends of int8 to the normal's tails.
void put_q8_0(Cursor& out, RandomStream& random, float deviation) {
  constexpr float kCodeDeviation = 37;
  out.put_half(deviation * vary(random) / kCodeDeviation);
  for (int i = 0; i < 32; ++i) {
    const float code = std::nearbyint(random.next_normal() * kCodeDeviation);
    out.put(static_cast<std::int8_t>(std::clamp(code, -128.0f, 127.0f)));
  }
}

// w = d (q - 8), q uniform in 0 to 15, deviation 4.61; d of either sign, as the mean of q - 8 is
// not 0.
void put_q4_0(Cursor& out, RandomStream& random, float deviation) {
  const float sign = (random.next() & 1) != 0 ? 1.0f : -1.0f;
  out.put_half(sign * deviation * vary(random) / 4.61f);
  out.put_random(random, 16);
}

// w = d q + m, q uniform in 0 to n - 1: with m = -d (n - 1) / 2 the mean is 0.
void put_q4_1(Cursor& out, RandomStream& random, float deviation) {
  const float d = deviation * vary(random) / 4.61f;
  out.put_half(d);
  out.put_half(-7.5f * d);
  out.put_random(random, 16);
}

void put_q5_0(Cursor& out, RandomStream& random, float deviation) {
  const float sign = (random.next() & 1) != 0 ? 1.0f : -1.0f;
  out.put_half(sign * deviation * vary(random) / 9.23f);
  out.put_random(random, 4 + 16);
}

void put_q5_1(Cursor& out, RandomStream& random, float deviation) {
  const float d = deviation * vary(random) / 9.23f;
  out.put_half(d);
  out.put_half(-15.5f * d);
  out.put_random(random, 4 + 16);
}

// As Q4_K below, s and t uniform in 0 to 15 and q in 0 to 3, m = 1.5 d.
void put_q2_k(Cursor& out, RandomStream& random, float deviation) {
  out.put_random(random, 16 + 64);
  const float d = deviation * vary(random) / 13.87f;
  out.put_half(d);
  out.put_half(1.5f * d);
}

// w = d s (q - 4), s uniform in -32 to 31 (deviation 18.5), q uniform in 0 to 7 (from 4: 2.35).
void put_q3_k(Cursor& out, RandomStream& random, float deviation) {
  out.put_random(random, 32 + 64 + 12);
  out.put_half(deviation * vary(random) / 43.3f);
}

// w = d t[q], q uniform: t of deviation 67.4 and mean -5.9; d of either sign.
void put_iq4_nl(Cursor& out, RandomStream& random, float deviation) {
  const float sign = (random.next() & 1) != 0 ? 1.0f : -1.0f;
  out.put_half(sign * deviation * vary(random) / 67.4f);
  out.put_random(random, 16);
}

// w = d s t[q], s uniform in -32 to 31.
void put_iq4_xs(Cursor& out, RandomStream& random, float deviation) {
  out.put_half(deviation * vary(random) / 1246.0f);
  out.put(static_cast<std::uint16_t>(random.next() >> 48));
  out.put_random(random, 4 + 128);
}

// w = d (q - 1), q uniform in 0, 1, 2: deviation 0.816. Bytes of TQ1_0 are drawn from those that
// five digits of base three make, and its last four from those of four digits.
void put_ternary_bytes(Cursor& out, RandomStream& random, int count, std::uint64_t numbers,
                       std::uint64_t step) {
  for (int i = 0; i < count; ++i) {
    const std::uint64_t number = (random.next() >> 32) % numbers * step;
    out.put(static_cast<std::uint8_t>((number * 256 + 242) / 243));
  }
}

void put_tq1_0(Cursor& out, RandomStream& random, float deviation) {
  put_ternary_bytes(out, random, 48, 243, 1);
  put_ternary_bytes(out, random, 4, 81, 3);
  out.put_half(deviation * vary(random) / 0.816f);
}

void put_tq2_0(Cursor& out, RandomStream& random, float deviation) {
  for (int i = 0; i < 64; ++i) {
    std::uint64_t number = (random.next() >> 32) % 81;
    unsigned byte = 0;
    for (unsigned digit = 0; digit < 4; ++digit, number /= 3)
      byte |= static_cast<unsigned>(number % 3) << (2 * digit);
    out.put(static_cast<std::uint8_t>(byte));
  }
  out.put_half(deviation * vary(random) / 0.816f);
}

// w = 2^(e - 128) t[q], t with deviation 5.85: e is a whole number, and drawn below and above what
// would be right, so that the mean square is.
void put_mxfp4(Cursor& out, RandomStream& random, float deviation) {
  const float exact = std::log2(deviation / 5.85f);
  const float below = std::floor(exact);
  const float square = std::exp2(2 * (exact - below));  // 1 to 4
  const bool above = static_cast<float>(random.next() >> 40) / 16'777'216.0f < (square - 1) / 3;
  out.put(static_cast<std::uint8_t>(below + 128.0f + (above ? 1.0f : 0.0f)));
  out.put_random(random, 16);
}

// w = d s q - m t, s and t uniform in 0 to 63, q uniform in 0 to n - 1. With m = d (n - 1) / 2 the
// mean is 0 and the variance d^2 (E[s^2] var(q) + 2 var(s) ((n - 1) / 2)^2).
void put_q4_k(Cursor& out, RandomStream& random, float deviation) {
  const float d = deviation * vary(random) / 258.0f;
  out.put_half(d);
  out.put_half(7.5f * d);
  out.put_random(random, 12 + 128);
}

void put_q5_k(Cursor& out, RandomStream& random, float deviation) {
  const float d = deviation * vary(random) / 526.0f;
  out.put_half(d);
  out.put_half(15.5f * d);
  out.put_random(random, 12 + 32 + 128);
}

// w = d s (q - 32), s uniform in int8 (deviation 73.9), q uniform in 0 to 63 (deviation 18.5).
void put_q6_k(Cursor& out, RandomStream& random, float deviation) {
  out.put_random(random, 128 + 64 + 16);
  out.put_half(deviation * vary(random) / 1365.0f);
}

void put_block(Format format, Cursor& out, RandomStream& random, float deviation) {
  switch (format) {
    case Format::kF32:
      return out.put(random.next_normal() * deviation);
    case Format::kF16:
      return out.put_half(random.next_normal() * deviation);
    case Format::kBF16:
      return out.put(kernels::f32_to_bf16(random.next_normal() * deviation));
    case Format::kQ8_0:
      return put_q8_0(out, random, deviation);
    case Format::kQ4_0:
      return put_q4_0(out, random, deviation);
    case Format::kQ4_1:
      return put_q4_1(out, random, deviation);
    case Format::kQ5_0:
      return put_q5_0(out, random, deviation);
    case Format::kQ5_1:
      return put_q5_1(out, random, deviation);
    case Format::kQ2_K:
      return put_q2_k(out, random, deviation);
    case Format::kQ3_K:
      return put_q3_k(out, random, deviation);
    case Format::kIQ4_NL:
      return put_iq4_nl(out, random, deviation);
    case Format::kIQ4_XS:
      return put_iq4_xs(out, random, deviation);
    case Format::kTQ1_0:
      return put_tq1_0(out, random, deviation);
    case Format::kTQ2_0:
      return put_tq2_0(out, random, deviation);
    case Format::kMXFP4:
      return put_mxfp4(out, random, deviation);
    case Format::kQ4_K:
      return put_q4_k(out, random, deviation);
    case Format::kQ5_K:
      return put_q5_k(out, random, deviation);
    case Format::kQ6_K:
      return put_q6_k(out, random, deviation);
  }
}

}  // namespace

std::uint64_t RandomStream::next() {
  state_ += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

float RandomStream::next_normal() {
  const std::uint64_t bits = next();
  std::int32_t sum = 0;
  for (int shift = 0; shift < 64; shift += 16)
    sum += static_cast<std::int32_t>((bits >> shift) & 0xffff);
  // Four uniform numbers in 0 to 65,535: mean 131,070, deviation 37,837.
  return static_cast<float>(sum - 131'070) / 37'837.0f;
}

std::uint64_t mix_keys(std::uint64_t a, std::uint64_t b) {
  return RandomStream(RandomStream(a).next() ^ b).next();
}

void fill_random_row(Format format, std::size_t cols, float deviation, std::uint64_t key,
                     std::span<std::byte> row) {
  RandomStream random(key);
  Cursor out(row);
  const std::size_t blocks = cols / kernels::format_info(format).block_elements;
  for (std::size_t i = 0; i < blocks; ++i) put_block(format, out, random, deviation);
}

}  // namespace bench
