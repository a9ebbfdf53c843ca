#include "kernels/cpu/packed_weight.h"

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/cpu/panel_block.h"
#include "kernels/cpu/panel_scales.h"
#include "kernels/dequantize.h"
#include "kernels/formats/all.h"
#include "kernels/half.h"

namespace kernels::cpu {
namespace {

// Bytes of each part of a panel, per block of the format (per column for the float formats).
struct PartBytes {
  std::size_t codes;
  std::size_t upper;
  std::size_t scales;
};

template <typename F>
PartBytes block_part_bytes() {
  constexpr std::size_t kVectors = kVector * formats::kBlockElements<F::kScales> / kBlock;
  return {kVectors * F::kLowBits, kVectors * F::kUpperBits, scale_bytes(F::kScales)};
}

PartBytes part_bytes(Format format) {
  switch (format) {
#define KERNELS_FLOAT_BYTES(name, id, elements, bytes) \
  case Format::k##name:                                \
    return {bytes * kLanes, 0, 0};
#define KERNELS_BLOCK_BYTES(name, id, elements, bytes) \
  case Format::k##name:                                \
    return block_part_bytes<formats::name>();
    KERNELS_FLOAT_FORMATS(KERNELS_FLOAT_BYTES)
    KERNELS_BLOCK_FORMATS(KERNELS_BLOCK_BYTES)
#undef KERNELS_FLOAT_BYTES
#undef KERNELS_BLOCK_BYTES
  }
  return {};
}

bool is_float(Format format) {
  return format_info(format).block_elements == 1;
}

PanelBlock block_at(const PackedWeight& weight, const PartBytes& bytes, std::uint8_t* panel,
                    std::size_t block) {
  return {panel + block * bytes.codes, panel + weight.upper_offset + block * bytes.upper,
          panel + weight.scale_offset + block * bytes.scales};
}

template <typename F>
void pack_row(const PackedWeight& weight, const std::uint8_t* row, std::size_t lane,
              std::uint8_t* panel) {
  const PartBytes bytes = block_part_bytes<F>();
  const FormatInfo& info = format_info(F::kFormat);
  BlockCodes codes;
  for (std::size_t block = 0; block < weight.cols / info.block_elements; ++block) {
    F::read(row + block * info.block_bytes, &codes);
    const PanelBlock at = block_at(weight, bytes, panel, block);
    write_codes<F>(codes, lane, at);
    write_scales(F::kScales, codes, lane, at.scales);
  }
}

template <typename F>
void unpack_blocks(const PackedWeight& weight, std::uint8_t* panel, std::size_t lane, float* out) {
  constexpr std::size_t kElements = formats::kBlockElements<F::kScales>;
  const PartBytes bytes = block_part_bytes<F>();
  BlockCodes codes;
  for (std::size_t block = 0; block < weight.cols / kElements; ++block) {
    const PanelBlock at = block_at(weight, bytes, panel, block);
    read_codes<F>(at, lane, &codes);
    read_scales(F::kScales, at.scales, lane, &codes);
    dequantize_codes(F::kFormat, codes, out + block * kElements);
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
  std::uint16_t bits = 0;
  std::memcpy(&bits, panel + index * sizeof bits, sizeof bits);
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
  for (std::size_t lane = 0; lane < row_count; ++lane) {
    const std::uint8_t* row = rows + lane * source_row_bytes;
    switch (weight.format) {
#define KERNELS_PACK(name, id, elements, bytes)     \
  case Format::k##name:                             \
    pack_row<formats::name>(weight, row, lane, to); \
    break;
      KERNELS_BLOCK_FORMATS(KERNELS_PACK)
#undef KERNELS_PACK
      default:
        break;
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
  auto* blocks = const_cast<std::uint8_t*>(panel);  // read only; block_at serves both directions
  switch (weight.format) {
#define KERNELS_UNPACK(name, id, elements, bytes) \
  case Format::k##name:                           \
    return unpack_blocks<formats::name>(weight, blocks, lane, out);
    KERNELS_BLOCK_FORMATS(KERNELS_UNPACK)
#undef KERNELS_UNPACK
    default:
      return;
  }
}

}  // namespace kernels::cpu
