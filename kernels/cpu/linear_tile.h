// The products of one panel of 16 weight rows with kRows activation rows, for every weight format.
//
// Lane l is output row l, so nothing is ever summed across lanes, and the steps of one output are
// the same whether its activation row is alone or one of many. Quantised formats: exact integer
// sums over 32 elements, then
//   acc = fma(float(sum), d * scale, acc)      in block order (Q6_K: over 2 x 16 elements)
//
// Float formats: element k belongs to chain k / 16 % 4; each chain is one fma after another in
// ascending k, and the result is (chain 0 + chain 1) + (chain 2 + chain 3).
#ifndef KERNELS_CPU_LINEAR_TILE_H_
#define KERNELS_CPU_LINEAR_TILE_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

// Where a tile kernel reads and writes. x and floats: first row of this call; m: rows of the tile.
struct TileJob {
  const PackedWeight* weight;
  const std::uint8_t* panel;
  const QuantBlock* x;
  const float* floats;
  std::size_t m;
  float* sums;  // [kRows, 16]
};

template <typename L, std::size_t kRows>
KERNELS_INLINE void store_sums(const typename L::F (&acc)[kRows], float* sums) {
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { L::store(sums + i * 16, acc[i]); });
}

template <typename L, std::size_t kRows>
KERNELS_INLINE void clear(typename L::F (&acc)[kRows]) {
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { acc[i] = L::zero(); });
}

// acc = fma(float(sum), d * scale, acc)
template <typename L, std::size_t kRows, typename Dot>
KERNELS_INLINE void add_scaled(const Dot& dot, typename L::F d, const QuantBlock* x,
                               typename L::F (&acc)[kRows]) {
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
    acc[i] = L::fma(L::to_float(dot.acc[i]), L::mul(d, L::broadcast(x[i].scale)), acc[i]);
  });
}

template <typename L, std::size_t kRows>
void q8_0_tile(const TileJob& job) {
  const std::uint8_t* codes = job.panel;
  const auto* scales = reinterpret_cast<const std::uint16_t*>(job.panel + job.weight->scale_offset);
  const QuantBlock* x = job.x;
  typename L::F acc[kRows];
  clear<L, kRows>(acc);
  for (std::size_t b = job.weight->cols / kBlock; b > 0; --b) {
    typename L::template SignedDot<kRows> dot;
    dot.begin(x);
    unroll<8>([&](auto group)
                  KERNELS_INLINE_LAMBDA { dot.add(L::load_bytes(codes + 64 * group), x, group); });
    add_scaled<L, kRows>(dot, L::load_f16(scales), x, acc);
    codes += 512;
    scales += kLanes;
    x += job.m;
  }
  store_sums<L, kRows>(acc, job.sums);
}

template <typename L, std::size_t kRows>
void q4_0_tile(const TileJob& job) {
  const std::uint8_t* codes = job.panel;
  const auto* scales = reinterpret_cast<const std::uint16_t*>(job.panel + job.weight->scale_offset);
  const QuantBlock* x = job.x;
  typename L::F acc[kRows];
  clear<L, kRows>(acc);
  for (std::size_t b = job.weight->cols / kBlock; b > 0; --b) {
    typename L::template UnsignedDot<kRows> dot;
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { dot.start(i, x[i].start8); });
    unroll<4>([&](auto v) KERNELS_INLINE_LAMBDA {
      const auto bytes = L::load_bytes(codes + 64 * v);
      dot.add(L::low_nibbles(bytes), x, v);
      dot.add(L::high_nibbles(bytes), x, v + 4);
    });
    dot.widen();  // 8 groups x 2 x 15 x 127 = 30 480
    add_scaled<L, kRows>(dot, L::load_f16(scales), x, acc);
    codes += 256;
    scales += kLanes;
    x += job.m;
  }
  store_sums<L, kRows>(acc, job.sums);
}

// Q4_K (kFifth false) and Q5_K: scale[block of 256] =
// d[16], dmin[16], then per 32 elements scale[16], min[16].
//   acc = fma(float(sum), (d * scale) * x.scale, acc)
//   acc = fma(dmin * min, -(x.scale * x.sum), acc)
template <typename L, std::size_t kRows, bool kFifth>
void k_mins_tile(const TileJob& job) {
  const std::uint8_t* codes = job.panel;
  const std::uint8_t* upper = job.panel + job.weight->upper_offset;
  const std::uint8_t* scales = job.panel + job.weight->scale_offset;
  const QuantBlock* x = job.x;
  typename L::F acc[kRows];
  clear<L, kRows>(acc);
  for (std::size_t super = job.weight->cols / 256; super > 0; --super) {
    const auto d = L::load_f16(reinterpret_cast<const std::uint16_t*>(scales));
    const auto dmin = L::load_f16(reinterpret_cast<const std::uint16_t*>(scales + 32));
    scales += 64;
    for (int sub = 0; sub < 8; ++sub) {
      typename L::template UnsignedDot<kRows> dot;
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { dot.start(i, 0); });
      unroll<4>([&](auto v) KERNELS_INLINE_LAMBDA {
        const auto bytes = L::load_bytes(codes + 64 * v);
        auto low = L::low_nibbles(bytes);
        auto high = L::high_nibbles(bytes);
        if constexpr (kFifth) {
          const auto bits = L::load_bytes(upper);
          low = L::template insert_bits<4 - decltype(v)::value, 0x10>(low, bits);
          high = L::template insert_bits<-decltype(v)::value, 0x10>(high, bits);
        }
        dot.add(low, x, v);
        dot.add(high, x, v + 4);
        if constexpr (kFifth && decltype(v)::value == 1)
          dot.widen();  // 4 groups x 2 x 31 x 127 = 31 496
      });
      dot.widen();
      add_scaled<L, kRows>(dot, L::mul(d, L::load_u8(scales)), x, acc);
      const auto min = L::mul(dmin, L::load_u8(scales + 16));
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        acc[i] = L::fma(min, L::broadcast(x[i].minus_sum), acc[i]);
      });
      codes += 256;
      if constexpr (kFifth) upper += 64;
      scales += 32;
      x += job.m;
    }
  }
  store_sums<L, kRows>(acc, job.sums);
}

// The sums of k-groups 0-3 (kHalf 0) or 4-7 of a block of Q6_K: 16 elements that share a scale.
template <typename L, std::size_t kRows, std::size_t kHalf>
KERNELS_INLINE void q6_k_half(const std::uint8_t* codes, const std::uint8_t* upper,
                              const QuantBlock* x, typename L::template UnsignedDot<kRows>* dot) {
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { dot->start(i, x[i].start32[kHalf]); });
  const auto bits = L::load_bytes(upper + 64 * kHalf);
  unroll<4>([&](auto v) KERNELS_INLINE_LAMBDA {
    const auto bytes = L::load_bytes(codes + 64 * v);
    const auto nibbles = kHalf == 0 ? L::low_nibbles(bytes) : L::high_nibbles(bytes);
    dot->add(L::template insert_bits<4 - 2 * decltype(v)::value, 0x30>(nibbles, bits), x,
             v + 4 * kHalf);
    if constexpr (decltype(v)::value % 2 == 1) dot->widen();  // 2 groups x 2 x 63 x 127 = 32 004
  });
}

// scale[block of 256] = d[16], then per 32 elements two rows of 16 signed scales.
//   both = fma(float(sum 1), d * scale 1, float(sum 0) * (d * scale 0))
//   acc = fma(both, x.scale, acc)
template <typename L, std::size_t kRows>
void q6_k_tile(const TileJob& job) {
  const std::uint8_t* codes = job.panel;
  const std::uint8_t* upper = job.panel + job.weight->upper_offset;
  const std::uint8_t* scales = job.panel + job.weight->scale_offset;
  const QuantBlock* x = job.x;
  typename L::F acc[kRows];
  clear<L, kRows>(acc);
  for (std::size_t super = job.weight->cols / 256; super > 0; --super) {
    const auto d = L::load_f16(reinterpret_cast<const std::uint16_t*>(scales));
    scales += 32;
    for (int sub = 0; sub < 8; ++sub) {
      const auto d0 = L::mul(d, L::load_s8(reinterpret_cast<const std::int8_t*>(scales)));
      const auto d1 = L::mul(d, L::load_s8(reinterpret_cast<const std::int8_t*>(scales + 16)));
      typename L::F both[kRows];
      typename L::template UnsignedDot<kRows> dot;
      q6_k_half<L, kRows, 0>(codes, upper, x, &dot);
      unroll<kRows>([&](auto i)
                        KERNELS_INLINE_LAMBDA { both[i] = L::mul(L::to_float(dot.acc[i]), d0); });
      q6_k_half<L, kRows, 1>(codes, upper, x, &dot);
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        acc[i] =
            L::fma(L::fma(L::to_float(dot.acc[i]), d1, both[i]), L::broadcast(x[i].scale), acc[i]);
      });
      codes += 256;
      upper += 128;
      scales += 32;
      x += job.m;
    }
  }
  store_sums<L, kRows>(acc, job.sums);
}

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

// Many rows: one chain at a time, so that a weight is converted once for all of them.
template <typename L, std::size_t kRows, typename Element>
KERNELS_INLINE void float_chains(const TileJob& job, typename L::F (&total)[4][kRows]) {
  const auto* w = reinterpret_cast<const typename Element::Word*>(job.panel);
  const std::size_t cols = job.weight->cols;
  for (std::size_t chain = 0; chain < 4; ++chain) {
    typename L::F acc[kRows];
    clear<L, kRows>(acc);
    for (std::size_t first = 16 * chain; first < cols; first += 64) {
      const std::size_t last = first + 16 < cols ? first + 16 : cols;
      for (std::size_t k = first; k < last; ++k) {
        const auto weight = Element::template load<L>(w + k * kLanes);
        const float* x = job.floats + k * job.m;
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          acc[i] = L::fma(weight, L::broadcast(x[i]), acc[i]);
        });
      }
    }
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { total[chain][i] = acc[i]; });
  }
}

// Few rows: the four chains side by side, so that no fma waits for the one before it.
template <typename L, std::size_t kRows, typename Element>
KERNELS_INLINE void float_chains_abreast(const TileJob& job, typename L::F (&total)[4][kRows]) {
  const auto* w = reinterpret_cast<const typename Element::Word*>(job.panel);
  const std::size_t cols = job.weight->cols;
  unroll<4>([&](auto chain) KERNELS_INLINE_LAMBDA { clear<L, kRows>(total[chain]); });
  const auto step = [&](std::size_t k, auto chain) KERNELS_INLINE_LAMBDA {
    const auto weight = Element::template load<L>(w + k * kLanes);
    const float* x = job.floats + k * job.m;
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
      total[chain][i] = L::fma(weight, L::broadcast(x[i]), total[chain][i]);
    });
  };
  std::size_t first = 0;
  for (; first + 64 <= cols; first += 64) {
    for (std::size_t j = 0; j < 16; ++j) {
      unroll<4>([&](auto chain) KERNELS_INLINE_LAMBDA { step(first + 16 * chain + j, chain); });
    }
  }
  unroll<4>([&](auto chain) KERNELS_INLINE_LAMBDA {
    for (std::size_t k = first + 16 * chain; k < first + 16 * chain + 16 && k < cols; ++k)
      step(k, chain);
  });
}

template <typename L, std::size_t kRows, typename Element>
void float_tile(const TileJob& job) {
  typename L::F total[4][kRows];
  if constexpr (4 * kRows <= L::kFloatStep) {
    float_chains_abreast<L, kRows, Element>(job, total);
  } else {
    float_chains<L, kRows, Element>(job, total);
  }
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
    L::store(job.sums + i * 16,
             L::add(L::add(total[0][i], total[1][i]), L::add(total[2][i], total[3][i])));
  });
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LINEAR_TILE_H_
