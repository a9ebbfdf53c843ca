// One row's heads normalised, turned, and its keys and values written into the cache.
#ifndef KERNELS_CPU_ROPE_ROW_H_
#define KERNELS_CPU_ROPE_ROW_H_

#include "kernels/cpu/kernel_set.h"
#include "kernels/cpu/vector_math.h"

namespace kernels::cpu {
namespace {

// In place: x = x * inverse_rms * weight, over one head.
template <typename L>
KERNELS_INLINE void normalise_head(float* x, std::size_t head_dim, const RmsNorm& norm) {
  if (norm.weight == nullptr) return;
  const auto inverse = L::broadcast(inverse_rms<L>(x, head_dim, norm.eps));
  for (std::size_t d = 0; d < head_dim; d += kLanes) {
    const std::size_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
    const auto scaled = L::mul(L::mul(load_within<L>(x, d, head_dim), inverse),
                               load_within<L>(norm.weight, d, head_dim));
    L::store_part(x + d, scaled, count);
  }
}

// (a, b) turned by the pair's angle: a cos - b sin, b cos + a sin, each one product and one fma.
KERNELS_INLINE void turn_pair(float* a, float* b, float cosine, float sine) {
  const float first = __builtin_fmaf(*a, cosine, -(*b * sine));
  const float second = __builtin_fmaf(*b, cosine, *a * sine);
  *a = first;
  *b = second;
}

KERNELS_INLINE void turn_head(float* x, const Rope& rope, const float* cos_sin) {
  const std::size_t pairs = rope.rope_dims / 2;
  if (rope.pairs == RopePairs::kAdjacent) {
    for (std::size_t j = 0; j < pairs; ++j)
      turn_pair(x + 2 * j, x + 2 * j + 1, cos_sin[j], cos_sin[pairs + j]);
  } else {
    for (std::size_t j = 0; j < pairs; ++j)
      turn_pair(x + j, x + pairs + j, cos_sin[j], cos_sin[pairs + j]);
  }
}

// Where one head of one position lies: its group in keys or values, and its lane there.
struct HeadPlace {
  std::uint8_t* group;
  std::size_t slot;
  const KvView& view;
};

// How each type takes sixteen dimensions of one position, those from `dim` on, of a key (whose
// lanes in the group are positions) or of a value. Lanes past head_dim are zero.
template <typename L, typename Word, typename Store>
KERNELS_INLINE void store_words(const HeadPlace& at, bool is_key, std::size_t dim,
                                const Store& store) {
  auto* group = reinterpret_cast<Word*>(at.group);
  if (!is_key) return store(group + at.slot * at.view.padded_dim + dim);
  Word words[kLanes];
  store(words);
  for (std::size_t i = 0; i < kLanes; ++i) group[(dim + i) * kLanes + at.slot] = words[i];
}

struct StoreF32 {
  template <typename L>
  KERNELS_INLINE static void head(const HeadPlace& at, bool is_key, const float* x) {
    for (std::size_t d = 0; d < at.view.head_dim; d += kLanes) {
      const auto v = load_within<L>(x, d, at.view.head_dim);
      store_words<L, float>(at, is_key, d, [&](float* to) { L::store(to, v); });
    }
  }
};

struct StoreF16 {
  template <typename L>
  KERNELS_INLINE static void head(const HeadPlace& at, bool is_key, const float* x) {
    for (std::size_t d = 0; d < at.view.head_dim; d += kLanes) {
      const auto v = load_within<L>(x, d, at.view.head_dim);
      store_words<L, std::uint16_t>(at, is_key, d, [&](std::uint16_t* to) { L::store_f16(to, v); });
    }
  }
};

// scale = largest magnitude / 127, code = round(x * (1 / scale)) within [-127, 127], as the weight
// format has it (ggml-quants.c, quantize_row_q8_0); ties go to even. A NaN makes the scale NaN.
struct StoreQ8 {
  template <typename L>
  KERNELS_INLINE static void head(const HeadPlace& at, bool is_key, const float* x) {
    const std::size_t dims = at.view.head_dim;
    for (std::size_t d = 0; d < dims; d += kBlock) {
      const bool two = dims - d > kLanes;
      const auto a = load_within<L>(x, d, dims);
      const auto b = two ? load_within<L>(x, d + kLanes, dims) : L::zero();
      const float scale = L::largest_magnitude(a, b) / 127.0F;
      // Below, 1 / scale would leave the range of a float, and the scale as binary16 is zero.
      const auto inverse = L::broadcast(scale < 1e-30F ? 0.0F : 1.0F / scale);
      store_codes<L>(at, is_key, d, L::mul(a, inverse));
      if (two) store_codes<L>(at, is_key, d + kLanes, L::mul(b, inverse));
      std::uint16_t scales[kLanes];
      L::store_f16(scales, L::broadcast(scale));
      auto* all = reinterpret_cast<std::uint16_t*>(at.group + kLanes * at.view.padded_dim);
      all[d / kBlock * kLanes + at.slot] = scales[0];
    }
  }
  template <typename L>
  KERNELS_INLINE static void store_codes(const HeadPlace& at, bool is_key, std::size_t dim,
                                         typename L::F x) {
    store_words<L, std::int8_t>(at, is_key, dim, [&](std::int8_t* to) { L::store_int8(to, x); });
  }
};

template <typename L, typename Store>
KERNELS_INLINE void store_head(const RopeJob& job, std::size_t head, const float* k,
                               const float* v) {
  const KvView& view = *job.view;
  const std::size_t at =
      job.block * view.block_bytes + head * view.head_bytes + job.slot / kLanes * view.group_bytes;
  Store::template head<L>({view.keys + at, job.slot % kLanes, view}, true, k);
  Store::template head<L>({view.values + at, job.slot % kLanes, view}, false, v);
}

template <typename L>
void rope_store(const RopeJob& job) {
  const Ops::RopeStore& args = *job.args;
  const std::size_t head_dim = job.view->head_dim;
  const float* cos_sin = args.rope.cos_sin + job.row * args.rope.rope_dims;
  float* q = args.q + job.row * args.q_stride;
  for (std::size_t h = 0; h < args.q_heads; ++h) {
    normalise_head<L>(q + h * head_dim, head_dim, args.q_norm);
    turn_head(q + h * head_dim, args.rope, cos_sin);
  }
  for (std::size_t h = 0; h < job.kv_heads; ++h) {
    float* k = args.k + job.row * args.kv_stride + h * head_dim;
    const float* v = args.v + job.row * args.kv_stride + h * head_dim;
    normalise_head<L>(k, head_dim, args.k_norm);
    turn_head(k, args.rope, cos_sin);
    switch (job.view->format) {
      case KvFormat::kF32:
        store_head<L, StoreF32>(job, h, k, v);
        break;
      case KvFormat::kF16:
        store_head<L, StoreF16>(job, h, k, v);
        break;
      case KvFormat::kQ8_0:
        store_head<L, StoreQ8>(job, h, k, v);
        break;
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_ROPE_ROW_H_
