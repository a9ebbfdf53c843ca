// One row's heads normalised, turned, and its keys and values written into the cache.
#ifndef KERNELS_CPU_ROPE_ROW_H_
#define KERNELS_CPU_ROPE_ROW_H_

#include "kernels/cpu/kv_element.h"
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

// Writes one head of one position; the padding of the value stays as it was made, zero.
template <typename L, typename Kv>
KERNELS_INLINE void store_head(const RopeJob& job, std::size_t head, const float* k,
                               const float* v) {
  const KvView& view = *job.view;
  const std::size_t at = job.block * view.block_bytes + head * view.head_bytes;
  auto* keys = reinterpret_cast<typename Kv::Word*>(view.keys + at);
  auto* values = reinterpret_cast<typename Kv::Word*>(view.values + at);
  typename Kv::Word words[kLanes];
  for (std::size_t d = 0; d < view.head_dim; d += kLanes) {
    const std::size_t count = view.head_dim - d < kLanes ? view.head_dim - d : kLanes;
    Kv::template store<L>(values + job.slot * view.padded_dim + d,
                          load_within<L>(v, d, view.head_dim));
    Kv::template store<L>(words, load_within<L>(k, d, view.head_dim));
    auto* group = keys + job.slot / kLanes * kLanes * view.padded_dim + job.slot % kLanes;
    for (std::size_t i = 0; i < count; ++i) group[(d + i) * kLanes] = words[i];
  }
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
    if (job.view->format == KvFormat::kF16) {
      store_head<L, KvF16>(job, h, k, v);
    } else {
      store_head<L, KvF32>(job, h, k, v);
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_ROPE_ROW_H_
