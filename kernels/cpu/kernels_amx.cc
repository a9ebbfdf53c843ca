// AVX-512 kernels with the integer sums of large linear operations made by the matrix unit (AMX).
//
// A full tile of 12 activation rows times 32 elements of a panel is one TDPBSSD; its int32 results go through memory
// to the same float steps, in the same order, as in linear_tile.h. Integer sums are exact, so the bits are those of
// the other kernel sets. Rows that do not fill a tile, and float weights, take the ordinary path.
#include "kernels/cpu/amx_panel.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/lanes_avx512.h"

namespace kernels::cpu {
namespace {

using L = Avx512Lanes;

constexpr std::size_t kTileFloats = kTileRows * kLanes;
constexpr std::size_t kTilesAtOnce = 4;  // results on their way while earlier ones are scaled

// Tiles 0 and 1 take results, 2 and 3 activations (kTileRows of `bytes`), 4 and 5 weights (bytes / 4 rows of 64).
void configure_tiles(std::uint8_t bytes) {
  struct {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } config;
  static_assert(sizeof config == 64);
  for (std::size_t t = 0; t < 2; ++t) {
    config.row_bytes[t] = 64;
    config.rows[t] = kTileRows;
    config.row_bytes[2 + t] = bytes;
    config.rows[2 + t] = kTileRows;
    config.row_bytes[4 + t] = 64;
    config.rows[4 + t] = bytes / 4;
  }
  _tile_loadconfig(&config);
}

// sums [kTileRows, 16] = activations (rows 64 bytes apart) times weights. Even and odd calls use different tiles.
template <bool kOdd>
KERNELS_INLINE void multiply(const std::int8_t* activations, const std::int8_t* weights, std::int32_t* sums) {
  if constexpr (kOdd) {
    _tile_zero(1);
    _tile_loadd(3, activations, 64);
    _tile_loadd(5, weights, 64);
    _tile_dpbssd(1, 3, 5);
    _tile_stored(1, sums, 64);
  } else {
    _tile_zero(0);
    _tile_loadd(2, activations, 64);
    _tile_loadd(4, weights, 64);
    _tile_dpbssd(0, 2, 4);
    _tile_stored(0, sums, 64);
  }
}

KERNELS_INLINE L::F float_sum(const std::int32_t* sums, std::size_t row) {
  return L::to_float(L::load_bytes(sums + row * kLanes));
}

// As k_mins_tile and the tiles of Q8_0 and Q4_0, block by block.
template <bool kMins>
KERNELS_INLINE void add_block(const AmxPanel& panel, std::size_t block, const QuantBlock* x, const std::int32_t* sums,
                              L::F (&acc)[kTileRows]) {
  const auto d = L::load(panel.scales + block * kLanes);
  unroll<kTileRows>([&](auto i) KERNELS_INLINE_LAMBDA {
    acc[i] = L::fma(float_sum(sums, i), L::mul(d, L::broadcast(x[i].scale)), acc[i]);
  });
  if constexpr (kMins) {
    const auto min = L::load(panel.mins + block * kLanes);
    unroll<kTileRows>([&](auto i) KERNELS_INLINE_LAMBDA {
      acc[i] = L::fma(min, L::broadcast(x[i].minus_sum), acc[i]);
    });
  }
}

// x: the tile's blocks, [cols / 32][kTileRows]. results: scratch, [kTilesAtOnce, kTileFloats].
template <bool kMins>
void tile_of_blocks(const AmxPanel& panel, std::size_t blocks, const QuantBlock* x, std::int32_t* results, float* out) {
  L::F acc[kTileRows];
  clear<L, kTileRows>(acc);
  std::size_t b = 0;
  for (; b + kTilesAtOnce <= blocks; b += kTilesAtOnce) {
    unroll<kTilesAtOnce>([&](auto t) KERNELS_INLINE_LAMBDA {
      multiply<decltype(t)::kValue % 2 == 1>(x[(b + t) * kTileRows].q, panel.codes + (b + t) * 512,
                                             results + t * kTileFloats);
    });
    unroll<kTilesAtOnce>([&](auto t) KERNELS_INLINE_LAMBDA {
      add_block<kMins>(panel, b + t, x + (b + t) * kTileRows, results + t * kTileFloats, acc);
    });
  }
  for (; b < blocks; ++b) {
    multiply<false>(x[b * kTileRows].q, panel.codes + b * 512, results);
    add_block<kMins>(panel, b, x + b * kTileRows, results, acc);
  }
  store_sums<L, kTileRows>(acc, out);
}

// As q6_k_tile: each half of a block is a product of its own.
void tile_of_q6_k(const AmxPanel& panel, std::size_t blocks, const QuantBlock* x, std::int32_t* results, float* out) {
  L::F acc[kTileRows];
  clear<L, kTileRows>(acc);
  for (std::size_t b = 0; b < blocks; b += 2) {
    unroll<kTilesAtOnce>([&](auto t) KERNELS_INLINE_LAMBDA {
      const std::int8_t* activations = x[(b + t / 2) * kTileRows].q + kLanes * (t % 2);
      multiply<decltype(t)::kValue % 2 == 1>(activations, panel.codes + b * 512 + t * 256, results + t * kTileFloats);
    });
    unroll<2>([&](auto block) KERNELS_INLINE_LAMBDA {
      const auto d0 = L::load(panel.scales + (b + block) * 2 * kLanes);
      const auto d1 = L::load(panel.scales + (b + block) * 2 * kLanes + kLanes);
      const std::int32_t* first = results + 2 * block * kTileFloats;
      const QuantBlock* rows = x + (b + block) * kTileRows;
      unroll<kTileRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        const auto half = L::mul(float_sum(first, i), d0);
        const auto both = L::fma(float_sum(first + kTileFloats, i), d1, half);
        acc[i] = L::fma(both, L::broadcast(rows[i].scale), acc[i]);
      });
    });
  }
  store_sums<L, kTileRows>(acc, out);
}

void amx_tile(const PackedWeight& weight, const AmxPanel& panel, const QuantBlock* x, std::int32_t* results,
              float* out) {
  const std::size_t blocks = weight.cols / kBlock;
  if (weight.format == Format::kQ6_K) return tile_of_q6_k(panel, blocks, x, results, out);
  if (weight.format == Format::kQ8_0 || weight.format == Format::kQ4_0) {
    return tile_of_blocks<false>(panel, blocks, x, results, out);
  }
  tile_of_blocks<true>(panel, blocks, x, results, out);
}

// How a thread's scratch is used: results and two tiles of sums, then unpacked panels.
struct AmxScratch {
  std::int32_t* results;
  float* sums;
  float* up_sums;
  std::byte* panels;
};
constexpr std::size_t kFixedScratch = (kTilesAtOnce + 2) * kTileFloats * sizeof(float);

AmxScratch divide(std::byte* scratch) {
  auto* floats = reinterpret_cast<float*>(scratch);
  return {reinterpret_cast<std::int32_t*>(scratch), floats + kTilesAtOnce * kTileFloats,
          floats + (kTilesAtOnce + 1) * kTileFloats, scratch + kFixedScratch};
}

constexpr std::size_t kGroupMax = 64;  // panels unpacked at a time

// Panels first … first + count - 1 of one weight for all full tiles. Each panel's sums go to `use(panel, row, sums)`.
struct Group {
  AmxPanel panels[kGroupMax];
  AmxPanel up_panels[kGroupMax];
};

void group_of_panels(const LinearJob& job, const Activations& x, std::size_t first, std::size_t count,
                     const AmxScratch& scratch) {
  const PackedWeight& weight = *job.weight;
  const std::size_t each = amx_panel_bytes(x.cols);
  Group group;
  for (std::size_t p = 0; p < count; ++p) {
    group.panels[p] = unpack_panel(weight, first + p, scratch.panels + p * each);
    if (job.up != nullptr) group.up_panels[p] = unpack_panel(*job.up, first + p, scratch.panels + (count + p) * each);
  }
  for (std::size_t row = 0; row + kTileRows <= x.n; row += kTileRows) {
    const QuantBlock* quant = x.quant + row * (x.cols / kBlock);
    for (std::size_t p = 0; p < count; ++p) {
      amx_tile(weight, group.panels[p], quant, scratch.results, scratch.sums);
      if (job.up != nullptr) amx_tile(*job.up, group.up_panels[p], quant, scratch.results, scratch.up_sums);
      finish_tile<L>(job, scratch.sums, scratch.up_sums, row, kTileRows, first + p);
    }
  }
}

void linear_with_amx(const LinearJob& job, const Activations& x, std::size_t first, std::size_t last,
                     std::byte* scratch) {
  const std::size_t full_rows = x.n / kTileRows * kTileRows;
  const std::size_t weights = job.up == nullptr ? 1 : 2;
  const std::size_t fits = (kLinearScratchBytes - kFixedScratch) / (weights * amx_panel_bytes(x.cols));
  const bool quantised = !is_float(job.weight->format) && (job.up == nullptr || !is_float(job.up->format));
  // One tile configuration serves a call, so gate and up must both have, or both lack, sub-blocks of 16.
  const bool alike =
      job.up == nullptr || (job.weight->format == Format::kQ6_K) == (job.up->format == Format::kQ6_K);
  if (full_rows == 0 || fits == 0 || !quantised || !alike) return linear<L>(job, x, first, last, scratch);

  const AmxScratch parts = divide(scratch);
  configure_tiles(job.weight->format == Format::kQ6_K ? 16 : 32);
  for (std::size_t panel = first; panel < last;) {
    std::size_t count = last - panel;
    if (count > fits) count = fits;
    if (count > kGroupMax) count = kGroupMax;
    group_of_panels(job, x, panel, count, parts);
    panel += count;
  }
  _tile_release();
  if (full_rows < x.n) linear_rows<L>(job, x, full_rows, first, last);
}

constexpr KernelSet with_amx(KernelSet set) {
  set.linear = linear_with_amx;
  return set;
}

constexpr KernelSet kAmxTable = with_amx(kTable<L>);

}  // namespace

const KernelSet& amx_kernels() { return kAmxTable; }

}  // namespace kernels::cpu
