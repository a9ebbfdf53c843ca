#include "kernels/cuda/tiles/tile_format.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/check.h"
#include "kernels/cuda/tiles/all_tiles.h"
#include "kernels/cuda/tiles/pack_row.h"
#include "kernels/cuda/tiles/tile_element.h"
#include "kernels/dequantize.h"

namespace kernels::cuda {
namespace {

// Beyond every model, and far from where 32 bits of a byte count of a tile would overflow.
constexpr std::size_t kRowsMax = std::size_t{1} << 24U;
constexpr std::size_t kColsMax = std::size_t{1} << 20U;

// Elements of a block of the file that a tile takes over unchanged; 1: it takes floats.
std::size_t block_cols(TileFormat format) {
  switch (format) {
    case TileFormat::kQ8_0:
    case TileFormat::kQ4_0:
    case TileFormat::kMxfp4:
      return 32;
    case TileFormat::kQ4_K:
    case TileFormat::kQ6_K:
      return 256;
    default:
      return 1;
  }
}

const std::uint8_t* row_of(const WeightSource& source, std::size_t row) {
  return static_cast<const std::uint8_t*>(source.data) +
         row * row_bytes(source.format, source.cols).value();
}

// One row of a tile: all its records.
template <typename Tile>
void pack_blocks(const TileShape& shape, const WeightSource& source, std::size_t row,
                 std::uint8_t* tile) {
  const FormatInfo& info = format_info(source.format);
  const std::uint8_t* block = row_of(source, row);
  const auto per_record = static_cast<std::uint32_t>(Tile::kRecordCols / info.block_elements);
  const auto total = static_cast<std::uint32_t>(source.cols / info.block_elements);
  BlockCodes codes[8];
  for (std::uint32_t record = 0; record < shape.records; ++record) {
    const std::uint32_t count = std::min(per_record, total - record * per_record);
    for (std::uint32_t i = 0; i < count; ++i, block += info.block_bytes)
      read_block(source.format, block, &codes[i]);
    pack_row(Tile{}, tile + std::size_t{record} * Tile::kRecordBytes,
             static_cast<std::uint32_t>(row % kTileRows), codes, count);
  }
}

template <typename Tile>
void pack_floats(const TileShape& shape, const std::vector<float>& values, std::size_t row,
                 std::uint8_t* tile) {
  float scale = 0;
  if constexpr (Tile::kFormat == TileFormat::kE4m3)
    scale = e4m3_scale(values.data(), values.size());
  for (std::uint32_t record = 0; record < shape.records; ++record) {
    std::uint8_t* to = tile + std::size_t{record} * Tile::kRecordBytes;
    const float* from = values.data() + std::size_t{record} * Tile::kRecordCols;
    const auto tile_row = static_cast<std::uint32_t>(row % kTileRows);
    if constexpr (Tile::kFormat == TileFormat::kE4m3) {
      pack_row(Tile{}, to, tile_row, from, scale);
    } else {
      pack_row(Tile{}, to, tile_row, from);
    }
  }
}

template <typename Tile>
void pack_tile(const TileShape& shape, const WeightSource& source, std::uint32_t tile,
               std::uint8_t* to) {
  std::memset(to, 0, shape.tile_bytes());
  const std::size_t first = std::size_t{tile} * kTileRows;
  const std::size_t last = std::min<std::size_t>(first + kTileRows, shape.rows);
  std::vector<float> values;
  for (std::size_t row = first; row < last; ++row) {
    if constexpr (Tile::kFormat == TileFormat::kBf16 || Tile::kFormat == TileFormat::kSplitBf16 ||
                  Tile::kFormat == TileFormat::kE4m3) {
      values.assign(shape.padded_cols(), 0.0F);
      dequantize_row(source.format, row_of(source, row), source.cols, values.data());
      pack_floats<Tile>(shape, values, row, to);
    } else {
      pack_blocks<Tile>(shape, source, row, to);
    }
  }
}

// Calls `function` with a value of the format's tile type.
template <typename Function>
void with_tile(TileFormat format, Function function) {
  switch (format) {
#define KERNELS_CASE(type, name) \
  case type::kFormat:            \
    return function(type{});
    KERNELS_TILES(KERNELS_CASE)
#undef KERNELS_CASE
  }
  check_failed(__FILE__, __LINE__, "a tile format that is none");
}

void check_source(const TileShape& shape, const WeightSource& source) {
  KERNELS_CHECK(source.rows == shape.rows && source.cols == shape.cols && source.data != nullptr);
  KERNELS_CHECK(block_cols(shape.format) == 1 ||
                tile_format_of(source.format, false) == shape.format);
  KERNELS_CHECK(row_bytes(source.format, source.cols).has_value());
}

}  // namespace

const char* tile_format_name(TileFormat format) {
  const char* found = nullptr;
  switch (format) {
#define KERNELS_CASE(type, name) \
  case type::kFormat:            \
    found = #name;               \
    break;
    KERNELS_TILES(KERNELS_CASE)
#undef KERNELS_CASE
  }
  return found;
}

std::size_t TileShape::bytes() const {
  const std::size_t scales =
      format == TileFormat::kE4m3 ? std::size_t{row_tiles} * kTileRows * sizeof(float) : 0;
  return row_tiles * tile_bytes() + scales;
}

TileFormat tile_format_of(Format format, bool fp8) {
  switch (format) {
    case Format::kBF16:
      return fp8 ? TileFormat::kE4m3 : TileFormat::kBf16;
    case Format::kF16:
    case Format::kF32:
      return fp8 ? TileFormat::kE4m3 : TileFormat::kSplitBf16;
    case Format::kQ8_0:
      return TileFormat::kQ8_0;
    case Format::kQ4_0:
      return TileFormat::kQ4_0;
    case Format::kQ4_K:
      return TileFormat::kQ4_K;
    case Format::kQ6_K:
      return TileFormat::kQ6_K;
    case Format::kMXFP4:
      return TileFormat::kMxfp4;
    default:
      return TileFormat::kBf16;
  }
}

std::optional<TileShape> tile_shape(TileFormat format, std::size_t rows, std::size_t cols) {
  if (rows == 0 || rows > kRowsMax || cols == 0 || cols > kColsMax) return std::nullopt;
  if (cols % block_cols(format) != 0) return std::nullopt;
  TileShape shape;
  shape.format = format;
  shape.rows = static_cast<std::uint32_t>(rows);
  shape.cols = static_cast<std::uint32_t>(cols);
  shape.row_tiles = (shape.rows + kTileRows - 1) / kTileRows;
  with_tile(format, [&shape](auto tile) {
    using Tile = decltype(tile);
    static_assert(Tile::kRecordBytes % 16 == 0);
    shape.record_cols = Tile::kRecordCols;
    shape.record_bytes = Tile::kRecordBytes;
  });
  shape.records = (shape.cols + shape.record_cols - 1) / shape.record_cols;
  return shape;
}

void pack_tiles(const TileShape& shape, const WeightSource& source, std::uint32_t first,
                std::uint32_t count, std::uint8_t* to) {
  check_source(shape, source);
  KERNELS_CHECK(first <= shape.row_tiles && count <= shape.row_tiles - first);
  with_tile(shape.format, [&](auto tile) {
    for (std::uint32_t i = 0; i < count; ++i)
      pack_tile<decltype(tile)>(shape, source, first + i, to + i * shape.tile_bytes());
  });
}

void pack_row_scales(const TileShape& shape, const WeightSource& source, float* to) {
  if (shape.format != TileFormat::kE4m3) return;
  check_source(shape, source);
  std::fill_n(to, std::size_t{shape.row_tiles} * kTileRows, 0.0F);
  std::vector<float> values(shape.cols);
  for (std::size_t row = 0; row < shape.rows; ++row) {
    dequantize_row(source.format, row_of(source, row), source.cols, values.data());
    to[row] = e4m3_scale(values.data(), values.size());
  }
}

float tile_element(const TileShape& shape, const std::uint8_t* tiles, std::uint32_t row,
                   std::uint32_t col) {
  KERNELS_CHECK(row < shape.row_tiles * kTileRows && col < shape.padded_cols());
  const std::uint8_t* record = tiles + row / kTileRows * shape.tile_bytes() +
                               std::size_t{col / shape.record_cols} * shape.record_bytes;
  float element = 0;
  with_tile(shape.format, [&](auto tile) {
    element = record_element<decltype(tile)>(record, row % kTileRows, col % shape.record_cols);
  });
  if (shape.format == TileFormat::kE4m3) {
    float scale = 0;
    std::memcpy(&scale,
                tiles + shape.row_tiles * shape.tile_bytes() + std::size_t{row} * sizeof scale,
                sizeof scale);
    element *= scale;
  }
  return element;
}

}  // namespace kernels::cuda
