#include "kernels/cpu/packed_weight.h"

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/dequantize.h"
#include "kernels/half.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kVector = 64;  // "lanes x 4"

// Bytes of each part of a panel, per block of the format (per column for the float formats).
struct PartBytes {
  std::size_t codes;
  std::size_t upper;
  std::size_t scales;
};

PartBytes part_bytes(Format format) {
  switch (format) {
    case Format::kF32:
      return {64, 0, 0};
    case Format::kF16:
    case Format::kBF16:
      return {32, 0, 0};
    case Format::kQ4_0:
      return {256, 0, 32};
    case Format::kQ8_0:
      return {512, 0, 32};
    case Format::kQ4_K:
      return {2048, 0, 64 + 8 * 32};
    case Format::kQ5_K:
      return {2048, 512, 64 + 8 * 32};
    case Format::kQ6_K:
      return {2048, 1024, 32 + 8 * 32};
  }
  return {};
}

bool is_float(Format format) {
  return format_info(format).block_elements == 1;
}

// One block (32 or 256 columns) of a panel: where its parts lie.
struct PanelBlock {
  std::uint8_t* codes;
  std::uint8_t* upper;
  std::uint8_t* scales;
};

PanelBlock block_at(const PackedWeight& weight, std::uint8_t* panel, std::size_t block) {
  const PartBytes bytes = part_bytes(weight.format);
  return {panel + block * bytes.codes, panel + weight.upper_offset + block * bytes.upper,
          panel + weight.scale_offset + block * bytes.scales};
}

void write_u16(std::uint8_t* at, std::size_t index, std::uint16_t value) {
  std::memcpy(at + 2 * index, &value, sizeof value);
}

std::uint16_t read_u16(const std::uint8_t* at, std::size_t index) {
  std::uint16_t value = 0;
  std::memcpy(&value, at + 2 * index, sizeof value);
  return value;
}

// Where element e (0 … 31) of a block stands among the
// nibble vectors: byte, and whether in the high nibble.
struct NibblePlace {
  std::size_t byte;
  bool high;
};

NibblePlace nibble_place(std::size_t e, std::size_t lane) {
  const std::size_t group = e / 4;
  return {kVector * (group % 4) + 4 * lane + e % 4, group >= 4};
}

// Upper bits of element e: which byte, at which bit.
struct UpperPlace {
  std::size_t byte;
  unsigned bit;
};

UpperPlace upper_place(Format format, std::size_t e, std::size_t lane) {
  const std::size_t group = e / 4;
  if (format == Format::kQ5_K) return {4 * lane + e % 4, static_cast<unsigned>(group)};
  return {kVector * (group / 4) + 4 * lane + e % 4, static_cast<unsigned>(2 * (group % 4))};
}

std::uint32_t load_word(const std::uint8_t* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

void store_word(std::uint8_t* at, std::uint32_t word) {
  std::memcpy(at, &word, sizeof word);
}

// The four bytes of a lane in each vector of a block of 32
// codes, made as words: loading a model waits for this.
void write_block_codes(Format format, const std::uint8_t* codes, std::size_t lane,
                       std::uint8_t* nibbles, std::uint8_t* upper) {
  constexpr std::uint32_t kLow = 0x0f0f0f0fU;
  for (std::size_t v = 0; v < 4; ++v) {
    const std::uint32_t low = load_word(codes + 4 * v) & kLow;
    const std::uint32_t high = load_word(codes + 16 + 4 * v) & kLow;
    store_word(nibbles + kVector * v + 4 * lane, low | high << 4U);
  }
  if (format == Format::kQ5_K) {
    std::uint32_t bits = 0;
    for (unsigned g = 0; g < 8; ++g) bits |= (load_word(codes + 4 * g) >> 4U & 0x01010101U) << g;
    store_word(upper + 4 * lane, bits);
  } else if (format == Format::kQ6_K) {
    for (unsigned h = 0; h < 2; ++h) {
      std::uint32_t bits = 0;
      for (unsigned v = 0; v < 4; ++v)
        bits |= (load_word(codes + 16 * h + 4 * v) >> 4U & 0x03030303U) << (2 * v);
      store_word(upper + kVector * h + 4 * lane, bits);
    }
  }
}

void write_codes(Format format, const BlockCodes& codes, std::size_t lane,
                 const PanelBlock& block) {
  if (format == Format::kQ8_0) {
    for (std::size_t g = 0; g < 8; ++g)
      std::memcpy(block.codes + kVector * g + 4 * lane, codes.code + 4 * g, 4);
    return;
  }
  const std::size_t upper_bytes = part_bytes(format).upper / 8;
  for (std::size_t sub = 0; sub < format_info(format).block_elements / kBlock; ++sub) {
    write_block_codes(format, codes.code + kBlock * sub, lane, block.codes + 256 * sub,
                      block.upper + upper_bytes * sub);
  }
}

void write_scales(Format format, const BlockCodes& codes, std::size_t lane, std::uint8_t* scales) {
  write_u16(scales, lane, codes.d);
  if (format == Format::kQ4_K || format == Format::kQ5_K) {
    write_u16(scales + 32, lane, codes.dmin);
    for (std::size_t s = 0; s < 8; ++s) {
      scales[64 + 32 * s + lane] = static_cast<std::uint8_t>(codes.scale[s]);
      scales[64 + 32 * s + 16 + lane] = codes.min[s];
    }
  } else if (format == Format::kQ6_K) {
    for (std::size_t s = 0; s < 16; ++s)
      scales[32 + 16 * s + lane] = static_cast<std::uint8_t>(codes.scale[s]);
  }
}

void read_codes(Format format, const PanelBlock& block, std::size_t lane, BlockCodes* out) {
  const std::size_t elements = format_info(format).block_elements;
  if (format == Format::kQ8_0) {
    for (std::size_t g = 0; g < 8; ++g)
      std::memcpy(out->code + 4 * g, block.codes + kVector * g + 4 * lane, 4);
    return;
  }
  const std::size_t upper_bytes = part_bytes(format).upper / 8;
  for (std::size_t e = 0; e < elements; ++e) {
    const std::size_t sub = e / kBlock;
    const NibblePlace place = nibble_place(e % kBlock, lane);
    unsigned code = block.codes[256 * sub + place.byte];
    code = place.high ? code >> 4U : code & 15U;
    if (upper_bytes != 0) {
      const UpperPlace upper = upper_place(format, e % kBlock, lane);
      const unsigned mask = format == Format::kQ5_K ? 1U : 3U;
      code |= ((unsigned{block.upper[upper_bytes * sub + upper.byte]} >> upper.bit) & mask) << 4U;
    }
    out->code[e] = static_cast<std::uint8_t>(code);
  }
}

void read_scales(Format format, const std::uint8_t* scales, std::size_t lane, BlockCodes* out) {
  out->d = read_u16(scales, lane);
  if (format == Format::kQ4_K || format == Format::kQ5_K) {
    out->dmin = read_u16(scales + 32, lane);
    for (std::size_t s = 0; s < 8; ++s) {
      out->scale[s] = static_cast<std::int8_t>(scales[64 + 32 * s + lane]);
      out->min[s] = scales[64 + 32 * s + 16 + lane];
    }
  } else if (format == Format::kQ6_K) {
    for (std::size_t s = 0; s < 16; ++s)
      out->scale[s] = static_cast<std::int8_t>(scales[32 + 16 * s + lane]);
  }
}

// Float formats: element c of row `lane` goes to place [c][lane], a run of columns at a time for
// all rows, so that what is written stays in the first-level cache.
template <typename Word>
void interleave(const std::uint8_t* rows, std::size_t row_count, std::size_t cols,
                std::uint8_t* panel) {
  constexpr std::size_t kRun = 128;
  for (std::size_t first = 0; first < cols; first += kRun) {
    const std::size_t last = first + kRun < cols ? first + kRun : cols;
    for (std::size_t lane = 0; lane < row_count; ++lane) {
      for (std::size_t c = first; c < last; ++c) {
        std::memcpy(panel + (c * kLanes + lane) * sizeof(Word),
                    rows + (lane * cols + c) * sizeof(Word), sizeof(Word));
      }
    }
  }
}

float read_float(Format format, const std::uint8_t* panel, std::size_t index) {
  if (format == Format::kF32) {
    float value = 0;
    std::memcpy(&value, panel + index * sizeof value, sizeof value);
    return value;
  }
  const std::uint16_t bits = read_u16(panel, index);
  return format == Format::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

}  // namespace

std::optional<PackedWeight> plan_weight(Format format, std::size_t rows, std::size_t cols) {
  constexpr std::size_t kSideMax = std::size_t{1}
                                   << 28U;  // keeps every product below far from overflow
  if (rows == 0 || rows > kSideMax || cols > kSideMax || !row_bytes(format, cols).has_value())
    return std::nullopt;
  const PartBytes bytes = part_bytes(format);
  const std::size_t blocks = cols / format_info(format).block_elements;
  const auto whole = [](std::size_t part) { return (part + kVector - 1) / kVector * kVector; };
  PackedWeight weight{};
  weight.format = format;
  weight.rows = rows;
  weight.cols = cols;
  weight.panels = (rows + kLanes - 1) / kLanes;
  weight.upper_offset = whole(blocks * bytes.codes);
  weight.scale_offset = weight.upper_offset + whole(blocks * bytes.upper);
  weight.panel_bytes = weight.scale_offset + whole(blocks * bytes.scales);
  return weight;
}

void pack_panel(const PackedWeight& weight, const WeightSource& source, std::size_t panel,
                std::uint8_t* to) {
  const FormatInfo& info = format_info(weight.format);
  const std::size_t source_row_bytes = weight.cols / info.block_elements * info.block_bytes;
  const auto* rows =
      static_cast<const std::uint8_t*>(source.data) + panel * kLanes * source_row_bytes;
  const std::size_t left = weight.rows - panel * kLanes;
  const std::size_t row_count = left < kLanes ? left : kLanes;
  if (weight.format == Format::kF32)
    return interleave<std::uint32_t>(rows, row_count, weight.cols, to);
  if (is_float(weight.format)) return interleave<std::uint16_t>(rows, row_count, weight.cols, to);
  BlockCodes codes;
  for (std::size_t lane = 0; lane < row_count; ++lane) {
    const std::uint8_t* row = rows + lane * source_row_bytes;
    for (std::size_t block = 0; block < weight.cols / info.block_elements; ++block) {
      read_block(weight.format, row + block * info.block_bytes, &codes);
      const PanelBlock at = block_at(weight, to, block);
      write_codes(weight.format, codes, lane, at);
      write_scales(weight.format, codes, lane, at.scales);
    }
  }
}

void unpack_row(const PackedWeight& weight, std::size_t row, float* out) {
  const std::size_t lane = row % kLanes;
  const std::uint8_t* panel = weight.data + row / kLanes * weight.panel_bytes;
  if (is_float(weight.format)) {
    for (std::size_t c = 0; c < weight.cols; ++c)
      out[c] = read_float(weight.format, panel, c * kLanes + lane);
    return;
  }
  const std::size_t elements = format_info(weight.format).block_elements;
  BlockCodes codes;
  for (std::size_t block = 0; block < weight.cols / elements; ++block) {
    const PanelBlock at = block_at(weight, const_cast<std::uint8_t*>(panel), block);
    read_codes(weight.format, at, lane, &codes);
    read_scales(weight.format, at.scales, lane, &codes);
    dequantize_codes(weight.format, codes, out + block * elements);
  }
}

}  // namespace kernels::cpu
