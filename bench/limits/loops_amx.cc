// TDPBSSD: a tile of 16 x 64 signed bytes by one of 64 x 16, added to 16 x 16 int32.
#include <immintrin.h>

#include <cstring>

#include "bench/limits/loops.h"

namespace bench {
namespace {

// Palette 1 of the tile configuration (Intel SDM volume 1, section 18.3).
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

constexpr double kTileOps = 2.0 * 16 * 16 * 64;

// Four sums from two tiles of each operand: what a kernel of eight tiles can hold.
void tile_products(std::size_t rounds, const std::byte* near) {
  const TileConfig config;
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, near, 64);
  _tile_loadd(5, near + 1024, 64);
  _tile_loadd(6, near + 2048, 64);
  _tile_loadd(7, near + 3072, 64);
  for (; rounds > 0; --rounds) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_release();
}

constexpr ComputeLoop kLoops[] = {
    {"amx-int8", "int8: AMX TDPBSSD, tiles in registers", 4 * kTileOps, tile_products},
};

}  // namespace

std::span<const ComputeLoop> amx_loops() {
  return kLoops;
}

}  // namespace bench
