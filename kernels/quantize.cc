#include "kernels/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/check.h"
#include "kernels/half.h"

namespace kernels {
namespace {

void write_u16(std::uint8_t* at, std::uint16_t value) {
  std::memcpy(at, &value, sizeof value);
}

float largest_magnitude(const float* x, std::size_t count) {
  float largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(x[i]));
  return largest;
}

// Rounds to nearest and keeps within [lowest, highest].
int round_within(float value, int lowest, int highest) {
  return std::clamp(static_cast<int>(std::lround(value)), lowest, highest);
}

float inverse(float value) {
  return value == 0 ? 0.0F : 1.0F / value;
}

void quantize_q8_0(const float* x, std::uint8_t* block) {
  const float d = largest_magnitude(x, 32) / 127.0F;
  const float id = inverse(d);
  write_u16(block, f32_to_f16(d));
  for (unsigned i = 0; i < 32; ++i)
    block[2 + i] = static_cast<std::uint8_t>(round_within(x[i] * id, -127, 127));
}

// The element of largest magnitude becomes code 0, that is -8 steps, whatever its sign.
void quantize_q4_0(const float* x, std::uint8_t* block) {
  const float* extreme =
      std::max_element(x, x + 32, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const float d = *extreme / -8.0F;
  const float id = inverse(d);
  write_u16(block, f32_to_f16(d));
  const auto code = [id](float value) {
    const double step = static_cast<double>(value) * static_cast<double>(id) + 8.5;
    return static_cast<unsigned>(std::clamp(static_cast<int>(static_cast<float>(step)), 0, 15));
  };
  for (unsigned i = 0; i < 16; ++i)
    block[2 + i] = static_cast<std::uint8_t>(code(x[i]) | code(x[16 + i]) << 4U);
}

// What Q4_K and Q5_K share: per sub-block of 32 a scale and
// a min in units of d and dmin, and the codes.
struct ScaledCodes {
  float d;
  float dmin;
  std::uint8_t scale[8];
  std::uint8_t min[8];
  std::uint8_t code[256];
};

void quantize_with_mins(const float* x, int code_max, ScaledCodes* out) {
  float scales[8];
  float mins[8];
  for (unsigned s = 0; s < 8; ++s) {
    const float* sub = x + 32 * s;
    const float lowest = std::min(0.0F, *std::min_element(sub, sub + 32));
    const float highest = std::max(lowest, *std::max_element(sub, sub + 32));
    scales[s] = (highest - lowest) / static_cast<float>(code_max);
    mins[s] = -lowest;
  }
  // What is kept of d and dmin is binary16; codes are chosen for what a reader will see.
  out->d = f16_to_f32(f32_to_f16(*std::max_element(scales, scales + 8) / 63.0F));
  out->dmin = f16_to_f32(f32_to_f16(*std::max_element(mins, mins + 8) / 63.0F));
  for (unsigned s = 0; s < 8; ++s) {
    out->scale[s] = static_cast<std::uint8_t>(round_within(scales[s] * inverse(out->d), 0, 63));
    out->min[s] = static_cast<std::uint8_t>(round_within(mins[s] * inverse(out->dmin), 0, 63));
    const float step = inverse(out->d * static_cast<float>(out->scale[s]));
    const float shift = out->dmin * static_cast<float>(out->min[s]);
    for (unsigned i = 0; i < 32; ++i) {
      out->code[32 * s + i] =
          static_cast<std::uint8_t>(round_within((x[32 * s + i] + shift) * step, 0, code_max));
    }
  }
}

// The inverse of read_scales_and_mins in block_codes.cc.
void write_scales_and_mins(const ScaledCodes& codes, std::uint8_t* packed) {
  for (unsigned i = 0; i < 4; ++i) {
    packed[i] = static_cast<std::uint8_t>(codes.scale[i] | (codes.scale[4 + i] >> 4U) << 6U);
    packed[4 + i] = static_cast<std::uint8_t>(codes.min[i] | (codes.min[4 + i] >> 4U) << 6U);
    packed[8 + i] =
        static_cast<std::uint8_t>((codes.scale[4 + i] & 15U) | (codes.min[4 + i] & 15U) << 4U);
  }
}

// Both formats keep sub-blocks 2p and 2p + 1 as the low and high nibbles of 32 bytes.
void write_nibble_pairs(const ScaledCodes& codes, std::uint8_t* nibbles) {
  for (unsigned i = 0; i < 128; ++i) {
    const unsigned first = 64 * (i / 32) + i % 32;
    nibbles[i] =
        static_cast<std::uint8_t>((codes.code[first] & 15U) | (codes.code[first + 32] & 15U) << 4U);
  }
}

void quantize_q4_k(const float* x, std::uint8_t* block) {
  ScaledCodes codes;
  quantize_with_mins(x, 15, &codes);
  write_u16(block, f32_to_f16(codes.d));
  write_u16(block + 2, f32_to_f16(codes.dmin));
  write_scales_and_mins(codes, block + 4);
  write_nibble_pairs(codes, block + 16);
}

void quantize_q5_k(const float* x, std::uint8_t* block) {
  ScaledCodes codes;
  quantize_with_mins(x, 31, &codes);
  write_u16(block, f32_to_f16(codes.d));
  write_u16(block + 2, f32_to_f16(codes.dmin));
  write_scales_and_mins(codes, block + 4);
  std::memset(block + 16, 0, 32);
  for (unsigned e = 0; e < 256; ++e) {
    block[16 + e % 32] =
        static_cast<std::uint8_t>(block[16 + e % 32] | (codes.code[e] >> 4U) << (e / 32));
  }
  write_nibble_pairs(codes, block + 48);
}

void quantize_q6_k(const float* x, std::uint8_t* block) {
  float scales[16];
  for (unsigned s = 0; s < 16; ++s) scales[s] = largest_magnitude(x + 16 * s, 16) / 31.0F;
  const float d = f16_to_f32(f32_to_f16(*std::max_element(scales, scales + 16) / 127.0F));
  std::memset(block, 0, 192);
  for (unsigned e = 0; e < 256; ++e) {
    const int scale = round_within(scales[e / 16] * inverse(d), -128, 127);
    const float step = inverse(d * static_cast<float>(scale));
    const auto code = static_cast<unsigned>(round_within(x[e] * step, -32, 31) + 32);
    const unsigned half = e / 128;
    const unsigned quarter = e % 128 / 32;
    std::uint8_t& low = block[64 * half + 32 * (quarter % 2) + e % 32];
    std::uint8_t& upper = block[128 + 32 * half + e % 32];
    low = static_cast<std::uint8_t>(low | (code & 15U) << (quarter < 2 ? 0U : 4U));
    upper = static_cast<std::uint8_t>(upper | (code >> 4U) << (2 * quarter));
    block[192 + e / 16] = static_cast<std::uint8_t>(scale);
  }
  write_u16(block + 208, f32_to_f16(d));
}

void quantize_block(Format format, const float* x, std::uint8_t* block) {
  switch (format) {
    case Format::kF32:
      std::memcpy(block, x, sizeof(float));
      return;
    case Format::kF16:
      return write_u16(block, f32_to_f16(*x));
    case Format::kBF16:
      return write_u16(block, f32_to_bf16(*x));
    case Format::kQ8_0:
      return quantize_q8_0(x, block);
    case Format::kQ4_0:
      return quantize_q4_0(x, block);
    case Format::kQ4_K:
      return quantize_q4_k(x, block);
    case Format::kQ5_K:
      return quantize_q5_k(x, block);
    case Format::kQ6_K:
      return quantize_q6_k(x, block);
  }
}

}  // namespace

void quantize_row(Format format, const float* x, std::size_t cols, void* row) {
  KERNELS_CHECK(row_bytes(format, cols).has_value());
  const FormatInfo& info = format_info(format);
  auto* block = static_cast<std::uint8_t*>(row);
  for (std::size_t at = 0; at < cols; at += info.block_elements) {
    quantize_block(format, x + at, block);
    block += info.block_bytes;
  }
}

}  // namespace kernels
