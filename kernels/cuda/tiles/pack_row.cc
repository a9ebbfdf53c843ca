#include "kernels/cuda/tiles/pack_row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

// A row's sixteen elements of a step belong to four threads, each with a pair from columns 2c and a
// pair from 8 + 2c: the tests hold this against fragment_place, element by element.

namespace kernels::cuda {
namespace {

void put16(unsigned char* to, std::uint16_t bits) {
  std::memcpy(to, &bits, sizeof bits);
}
void put32(unsigned char* to, std::uint32_t bits) {
  std::memcpy(to, &bits, sizeof bits);
}
void or32(unsigned char* to, std::uint32_t bits) {
  std::uint32_t word = 0;
  std::memcpy(&word, to, sizeof word);
  put32(to, word | bits);
}

// The first of a row's threads, and whether its registers are 1 and 3.
struct RowPlace {
  explicit RowPlace(std::uint32_t row)
      : thread(fragment_place(row, 0).thread), upper(fragment_place(row, 0).reg) {}
  std::uint32_t thread, upper;
};

// Four fragments' words of a step; they are 16 bytes apart from thread to thread.
void put_bf16_step(unsigned char* words, std::uint32_t upper, const float* values) {
  for (std::uint32_t c = 0; c < 4; ++c, words += 16) {
    put32(words + upper * 4, pack_bf16(values[2 * c], values[2 * c + 1]));
    put32(words + upper * 4 + 8, pack_bf16(values[8 + 2 * c], values[8 + 2 * c + 1]));
  }
}

// `count` codes of 8 bits from column `col` of the record on.
void put_bytes(unsigned char* record, std::uint32_t row, std::uint32_t col,
               const std::uint8_t* code, std::uint32_t count) {
  const RowPlace place(row);
  const std::uint32_t shift = 8 * place.upper;
  for (std::uint32_t step = col / 16; step < (col + count) / 16; ++step, code += 16) {
    unsigned char* words = record + (step / 2 * 128 + place.thread) * 16 + step % 2 * 8;
    for (std::uint32_t c = 0; c < 4; ++c, words += 16) {
      const std::uint8_t* at = code + 2 * c;
      or32(words, (std::uint32_t{at[0]} | std::uint32_t{at[1]} << 16U) << shift);
      or32(words + 4, (std::uint32_t{at[8]} | std::uint32_t{at[9]} << 16U) << shift);
    }
  }
}

// Pairs of columns 2c and 8 + 2c as bits 0 and 16, 8 and 24 of a word. at[k] < 16.
std::uint32_t two_pairs(const std::uint8_t* at) {
  return std::uint32_t{at[0]} | std::uint32_t{at[1]} << 16U | std::uint32_t{at[8]} << 8U |
         std::uint32_t{at[9]} << 24U;
}

// The lower four bits of `count` codes from column `col` of the record on.
void put_nibbles(unsigned char* record, std::uint32_t row, std::uint32_t col,
                 const std::uint8_t* code, std::uint32_t count) {
  const RowPlace place(row);
  for (std::uint32_t step = col / 16; step < (col + count) / 16; ++step, code += 16) {
    unsigned char* words = record + (step / 4 * 128 + place.thread) * 16 + step % 4 * 4;
    for (std::uint32_t c = 0; c < 4; ++c, words += 16)
      or32(words, (two_pairs(code + 2 * c) & 0x0f0f0f0fU) << (4 * place.upper));
  }
}

// The two bits above them, of 256 codes, as q6_k_tile.h has them.
void put_upper_bits(unsigned char* record, std::uint32_t row, const std::uint8_t* code) {
  const RowPlace place(row);
  for (std::uint32_t step = 0; step < 16; ++step, code += 16) {
    unsigned char* words = record + (step / 4 * 128 + place.thread) * 8 + step % 4 / 2 * 4;
    for (std::uint32_t c = 0; c < 4; ++c, words += 8)
      or32(words, ((two_pairs(code + 2 * c) >> 4U) & 0x03030303U)
                      << (4 * place.upper + step % 2 * 2));
  }
}

constexpr float kE4m3Largest = 448;

}  // namespace

void pack_row(Bf16Tile, unsigned char* record, std::uint32_t row, const float* values) {
  const RowPlace place(row);
  for (std::uint32_t step = 0; step < 4; ++step)
    put_bf16_step(record + (step * 128 + place.thread) * 16, place.upper, values + step * 16);
}

void pack_row(SplitBf16Tile, unsigned char* record, std::uint32_t row, const float* values) {
  const RowPlace place(row);
  float high[16], rest[16];
  for (std::uint32_t step = 0; step < 4; ++step) {
    for (std::uint32_t i = 0; i < 16; ++i) {
      const float value = values[step * 16 + i];
      high[i] = from_bf16(to_bf16(value));
      rest[i] = std::isfinite(high[i]) ? value - high[i] : 0.0F;
    }
    put_bf16_step(record + (step * 2 * 128 + place.thread) * 16, place.upper, high);
    put_bf16_step(record + ((step * 2 + 1) * 128 + place.thread) * 16, place.upper, rest);
  }
}

std::uint8_t e4m3_code(float value) {
  const float magnitude = std::min(std::fabs(value), kE4m3Largest);
  const auto bits = std::bit_cast<std::uint32_t>(magnitude);
  // Below 2^-6 codes are 2^-9 apart, which is the last bit of 2^14: the addition rounds. Above, of
  // the 23 bits of the fraction three are kept, and the exponent's bias goes from 127 to 7.
  const std::uint32_t code = magnitude < 0x1p-6F
                                 ? std::bit_cast<std::uint32_t>(magnitude + 0x1p14F) - 0x46800000U
                                 : ((bits + 0x7ffffU + ((bits >> 20U) & 1U)) >> 20U) - (120U << 3U);
  return static_cast<std::uint8_t>(code | (std::bit_cast<std::uint32_t>(value) >> 31U) << 7U);
}

float e4m3_scale(const float* values, std::size_t count) {
  float largest = 0;
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) {
    finite = finite && std::isfinite(values[i]);
    largest = std::max(largest, std::fabs(values[i]));
  }
  return finite ? largest / kE4m3Largest : from_bf16(0x7fc0U);
}

void pack_row(E4m3Tile, unsigned char* record, std::uint32_t row, const float* values,
              float scale) {
  if (!(scale > 0)) return;
  std::uint8_t codes[E4m3Tile::kRecordCols];
  for (std::uint32_t i = 0; i < E4m3Tile::kRecordCols; ++i) codes[i] = e4m3_code(values[i] / scale);
  put_bytes(record, row, 0, codes, E4m3Tile::kRecordCols);
}

void pack_row(Q8_0Tile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count) {
  for (std::uint32_t block = 0; block < count; ++block) {
    std::uint8_t codes[32];
    for (std::uint32_t e = 0; e < 32; ++e) codes[e] = blocks[block].code[e] ^ 0x80U;
    put_bytes(record, row, 32 * block, codes, 32);
    put16(record + Q8_0Tile::kScales + row * 4 + block * 2, blocks[block].d);
  }
}

void pack_row(Q4_0Tile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count) {
  for (std::uint32_t block = 0; block < count; ++block) {
    put_nibbles(record, row, 32 * block, blocks[block].code, 32);
    put16(record + Q4_0Tile::kScales + row * 4 + block * 2, blocks[block].d);
  }
}

void pack_row(Mxfp4Tile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count) {
  for (std::uint32_t block = 0; block < count; ++block) {
    put_nibbles(record, row, 32 * block, blocks[block].code, 32);
    record[Mxfp4Tile::kScales + row * 2 + block] = static_cast<unsigned char>(blocks[block].d);
  }
}

void pack_row(Q4_KTile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t /*count*/) {
  put_nibbles(record, row, 0, blocks->code, 256);
  for (std::uint32_t group = 0; group < 8; ++group) {
    unsigned char* at = record + Q4_KTile::kScales + (group / 2 * 64 + row) * 4 + group % 2 * 2;
    at[0] = static_cast<unsigned char>(blocks->scale[group]);
    at[1] = blocks->min[group];
  }
  put16(record + Q4_KTile::kSuperScales + row * 4, blocks->d);
  put16(record + Q4_KTile::kSuperScales + row * 4 + 2, blocks->dmin);
}

void pack_row(Q6_KTile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t /*count*/) {
  put_nibbles(record, row, 0, blocks->code, 256);
  put_upper_bits(record + Q6_KTile::kUpperBits, row, blocks->code);
  for (std::uint32_t step = 0; step < 16; ++step)
    record[Q6_KTile::kScales + (step / 4 * 64 + row) * 4 + step % 4] =
        static_cast<unsigned char>(blocks->scale[step]);
  put16(record + Q6_KTile::kSuperScales + row * 2, blocks->d);
}

}  // namespace kernels::cuda
