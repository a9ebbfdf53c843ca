// The products of panels of floats (F32, F16, BF16) with activation rows.
//
// Element k belongs to chain k / 16 % 2; a chain is one fma after another in ascending k, and a sum
// is chain 0 + chain 1: two chains halve the wait for fma where one row is all there is, and leave
// registers for twelve rows.
#ifndef KERNELS_CPU_FLOAT_TILE_H_
#define KERNELS_CPU_FLOAT_TILE_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/cpu/read_ahead.h"
#include "kernels/cpu/sums.h"

namespace kernels::cpu {
namespace {

struct F32Element {
  using Word = float;
  template <typename L>
  KERNELS_INLINE static typename L::F load(const float* at) {
    return L::load(at);
  }
};
struct F16Element {
  using Word = std::uint16_t;
  template <typename L>
  KERNELS_INLINE static typename L::F load(const std::uint16_t* at) {
    return L::load_f16(at);
  }
};
struct BF16Element {
  using Word = std::uint16_t;
  template <typename L>
  KERNELS_INLINE static typename L::F load(const std::uint16_t* at) {
    return L::load_bf16(at);
  }
};

constexpr std::size_t kChains = 2;
constexpr std::size_t kChainRun = 16;  // elements of a chain that follow one another
constexpr std::size_t kTurn =
    kChains * kChainRun;                      // elements after which it is the same chain's turn
constexpr std::size_t kFloatRun = 4 * kTurn;  // columns converted together
constexpr std::size_t kFloatRowsTogether = kRowsTogether / 2;

// A few rows with one panel: both chains side by side. floats: element 0 of the first row;
// element k of row i is floats[k * m + i]. panels: the end of the task.
template <typename L, typename Element, std::size_t kRows>
void packed_float_tile(const PackedWeight& weight, std::size_t panel, std::size_t panels,
                       const float* floats, std::size_t m, float* sums) {
  const auto* w =
      reinterpret_cast<const typename Element::Word*>(weight.data + panel * weight.panel_bytes);
  typename L::F acc[kChains][kRows];
  unroll<kChains>([&](auto chain) KERNELS_INLINE_LAMBDA {
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { acc[chain][i] = L::zero(); });
  });
  const auto step = [&](std::size_t k, auto chain) KERNELS_INLINE_LAMBDA {
    const auto element = Element::template load<L>(w + k * kLanes);
    const float* x = floats + k * m;
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
      acc[chain][i] = L::fma(element, L::broadcast(x[i]), acc[chain][i]);
    });
  };
  std::size_t first = 0;
  ReadAhead ahead{weight.data + panel * weight.panel_bytes + kReadAhead,
                  weight.data + panels * weight.panel_bytes};
  for (; first + kTurn <= weight.cols; first += kTurn) {
    for (std::size_t j = 0; j < kChainRun; ++j) {
      ahead.advance(kChains * kLanes * sizeof(typename Element::Word));
      unroll<kChains>([&](auto chain)
                          KERNELS_INLINE_LAMBDA { step(first + kChainRun * chain + j, chain); });
    }
  }
  unroll<kChains>([&](auto chain) KERNELS_INLINE_LAMBDA {
    const std::size_t begin = first + kChainRun * chain;
    for (std::size_t k = begin; k < begin + kChainRun && k < weight.cols; ++k) step(k, chain);
  });
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
    L::store(sums + i * kSumsStride<L>, L::add(acc[0][i], acc[1][i]));
  });
}

// A run of columns of the panels taken together, as floats.
template <typename L>
struct alignas(64) FloatRun {
  float at[kFloatRun][L::kBlockPanels][kLanes];
};

// Adds the products of one chain's elements among `cols` columns to its partial sums of kRows rows.
template <typename L, std::size_t kRows>
void float_block_tile(const FloatRun<L>& w, std::size_t chain, std::size_t cols,
                      const float* floats, std::size_t m, float* sums,
                      RunAhead<L::kBlockPanels>* next) {
  RunAhead<L::kBlockPanels> ahead = *next;
  constexpr std::size_t kPanels = L::kBlockPanels;
  typename L::F acc[kPanels][kRows];
  const auto each = [](const auto& body) KERNELS_INLINE_LAMBDA {
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA { body(p, i); });
    });
  };
  each([&](auto p, auto i)
           KERNELS_INLINE_LAMBDA { acc[p][i] = L::load(sums + i * kSumsStride<L> + p * kLanes); });
  for (std::size_t first = kChainRun * chain; first < cols; first += kTurn) {
    const std::size_t last = first + kChainRun < cols ? first + kChainRun : cols;
    ahead.advance();
    for (std::size_t k = first; k < last; ++k) {
      typename L::F element[kPanels];
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA { element[p] = L::load(w.at[k][p]); });
      const float* x = floats + k * m;
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        const auto value = L::broadcast(x[i]);
        unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA {
          acc[p][i] = L::fma(element[p], value, acc[p][i]);
        });
      });
    }
  }
  each([&](auto p, auto i)
           KERNELS_INLINE_LAMBDA { L::store(sums + i * kSumsStride<L> + p * kLanes, acc[p][i]); });
  *next = ahead;
}

// Many rows: as block_product.h, at most kFloatRowsTogether of them.
template <typename L, typename Element>
void float_block_rows(const PackedWeight& weight, std::size_t panel, std::size_t panels,
                      const Activations& x, std::size_t first_row, std::size_t count, float* sums) {
  KERNELS_SCRATCH FloatRun<L> run;
  alignas(64) KERNELS_SCRATCH float partial[kChains][kFloatRowsTogether * kSumsStride<L>];
  const typename Element::Word* from[2];
  for (std::size_t p = 0; p < 2; ++p) {
    const std::size_t which = panel + p < panels ? panel + p : panel;
    from[p] =
        reinterpret_cast<const typename Element::Word*>(weight.data + which * weight.panel_bytes);
  }
  for (auto& chain : partial) __builtin_memset(chain, 0, count * kSumsStride<L> * sizeof(float));
  for (std::size_t first = 0; first < weight.cols; first += kFloatRun) {
    const std::size_t cols = weight.cols - first < kFloatRun ? weight.cols - first : kFloatRun;
    const std::size_t run_bytes = cols * kLanes * sizeof(typename Element::Word);
    const std::size_t steps = (cols + kChainRun - 1) / kChainRun *
                              ((count + L::kFloatBlockRows - 1) / L::kFloatBlockRows);
    RunAhead<L::kBlockPanels> ahead{
        {reinterpret_cast<const std::uint8_t*>(from[0] + (first + cols) * kLanes),
         reinterpret_cast<const std::uint8_t*>(from[1] + (first + cols) * kLanes)},
        run_bytes / steps + 1};
    for (std::size_t k = 0; k < cols; ++k) {
      for (std::size_t p = 0; p < L::kBlockPanels; ++p)
        L::store(run.at[k][p], Element::template load<L>(from[p] + (first + k) * kLanes));
    }
    for (std::size_t row = 0; row < count; row += kTileRows) {
      const std::size_t tile = first_row + row;
      const std::size_t m = x.n - tile < kTileRows ? x.n - tile : kTileRows;
      for (std::size_t done = 0; done < m;) {
        const std::size_t step = even_step(m - done, L::kFloatBlockRows);
        const float* rows = x.floats + tile * weight.cols + first * m + done;
        for (std::size_t chain = 0; chain < kChains; ++chain) {
          float* to = partial[chain] + (row + done) * kSumsStride<L>;
          with_constant<L::kFloatBlockRows>(step, [&](auto together) KERNELS_INLINE_LAMBDA {
            float_block_tile<L, decltype(together)::kValue>(run, chain, cols, rows, m, to, &ahead);
          });
        }
        done += step;
      }
    }
  }
  for (std::size_t at = 0; at < count * kSumsStride<L>; at += kLanes) {
    L::store(sums + at, L::add(L::load(partial[0] + at), L::load(partial[1] + at)));
  }
}

template <typename L, typename Element>
void float_block_product(const PackedWeight& weight, std::size_t panel, std::size_t panels,
                         const Activations& x, std::size_t first_row, std::size_t count,
                         float* sums) {
  for (std::size_t done = 0; done < count; done += kFloatRowsTogether) {
    const std::size_t rows = count - done < kFloatRowsTogether ? count - done : kFloatRowsTogether;
    float_block_rows<L, Element>(weight, panel, panels, x, first_row + done, rows,
                                 sums + done * kSumsStride<L>);
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_FLOAT_TILE_H_
