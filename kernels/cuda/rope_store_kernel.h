// Normalises and turns queries and keys, and stores keys and values: one warp a head of a row. A
// lane has elements 2 l and 2 l + 1 of every 64.
//
//   norm     sum of squares: fma over the lane's elements ascending, then lanes by exchange (1, 2,
//   4, 8, 16);
//            y = (x * (1 / sqrt(sum / head_dim + eps))) * weight
//   rope     a' = fma(a, cos, -(b * sin)), b' = fma(b, cos, a * sin)        (kernels/NUMERICS.md,
//   section 7) cache    binary16, saturated; or Q8_0: scale = largest / 127 as binary16, code =
//   round(x * (1 / scale)), ties to even,
//            magnitudes beyond 127 * 65504 saturated
// A NaN in a key or a value: see attention.h.
#ifndef KERNELS_CUDA_ROPE_STORE_KERNEL_H_
#define KERNELS_CUDA_ROPE_STORE_KERNEL_H_

#include "kernels/cuda/attention_rows.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

constexpr std::uint32_t kPairs = kHeadDimMax / 64;  // of a lane
constexpr std::uint16_t kNanHalf = 0x7fff;          // binary16

// A lane's elements of a head. Those beyond head_dim are zeros.
struct HeadPart {
  float at[kPairs][2];

  KERNELS_DEVICE static std::uint32_t element(std::uint32_t pair) { return 64 * pair + 2 * lane(); }
};

KERNELS_DEVICE HeadPart load_head(const float* head, std::uint32_t head_dim) {
  HeadPart part;
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    const std::uint32_t d = HeadPart::element(p);
    part.at[p][0] = d < head_dim ? head[d] : 0.0F;
    part.at[p][1] = d < head_dim ? head[d + 1] : 0.0F;
  }
  return part;
}

KERNELS_DEVICE void normalise_head(const RmsNorm& norm, std::uint32_t head_dim, HeadPart* part) {
  if (norm.weight == nullptr) return;
  float sum = 0.0F;
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    sum = fma(part->at[p][0], part->at[p][0], sum);
    sum = fma(part->at[p][1], part->at[p][1], sum);
  }
  KERNELS_UNROLL
  for (std::uint32_t mask = 1; mask < 32; mask *= 2) sum = sum + shuffle_xor(sum, mask);
  const float mean = divide_rn(sum, static_cast<float>(head_dim));
  const float inverse = divide_rn(1.0F, sqrt_rn(mean + norm.eps));
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    const std::uint32_t d = HeadPart::element(p);
    if (d >= head_dim) continue;
    part->at[p][0] = (part->at[p][0] * inverse) * norm.weight[d];
    part->at[p][1] = (part->at[p][1] * inverse) * norm.weight[d + 1];
  }
}

// Turns by the row's cosines and sines; `scratch` holds a head of this warp's.
KERNELS_DEVICE void turn_head(const Rope& rope, const float* cos_sin, std::uint32_t head_dim,
                              float* scratch, HeadPart* part) {
  const auto dims = static_cast<std::uint32_t>(rope.rope_dims);
  const std::uint32_t half = dims / 2;
  sync_warp();
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    const std::uint32_t d = HeadPart::element(p);
    if (d >= head_dim) continue;
    scratch[d] = part->at[p][0];
    scratch[d + 1] = part->at[p][1];
  }
  sync_warp();
  const bool adjacent = rope.pairs == RopePairs::kAdjacent;
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      const std::uint32_t d = HeadPart::element(p) + i;
      if (d >= dims) continue;
      const std::uint32_t pair = adjacent ? d / 2 : d % half;
      const bool is_first = adjacent ? d % 2 == 0 : d < half;
      const float a = scratch[adjacent ? 2 * pair : pair];
      const float b = scratch[adjacent ? 2 * pair + 1 : pair + half];
      const float cosine = cos_sin[pair], sine = cos_sin[half + pair];
      part->at[p][i] = is_first ? fma(a, cosine, -(b * sine)) : fma(b, cosine, a * sine);
    }
  }
}

// Whether any element of the head is NaN.
KERNELS_DEVICE bool has_nan(const HeadPart& part) {
  std::uint32_t found = 0;
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    if (part.at[p][0] != part.at[p][0] || part.at[p][1] != part.at[p][1]) found = 1;
  }
  KERNELS_UNROLL
  for (std::uint32_t mask = 1; mask < 32; mask *= 2) found |= shuffle_xor(found, mask);
  return found != 0;
}

KERNELS_DEVICE void zero_nans(HeadPart* part) {
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      if (part->at[p][i] != part->at[p][i]) part->at[p][i] = 0.0F;
    }
  }
}

// `slot`: of a position of a head, over the layer (first_slot + slot_of). `nan`: the whole head
// becomes NaN.
KERNELS_DEVICE void store_f16(const KvLayer& kv, std::size_t slot, const HeadPart& part, bool nan) {
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    const std::uint32_t d = HeadPart::element(p);
    if (d >= kv.head_dim) continue;
    std::uint32_t pair = pack_f16(part.at[p][0], part.at[p][1]);
    if (nan && d == 0) pair = (pair & 0xffff0000U) | kNanHalf;
    *reinterpret_cast<std::uint32_t*>(kv.codes + slot * kv.row_bytes + d * 2) = pair;
  }
}

KERNELS_DEVICE float magnitude(float x) {
  return x < 0.0F ? -x : x;
}

// To the nearest whole number, ties to even, as eight bits: adding 1.5 * 2^23 leaves no room for a
// fraction.
KERNELS_DEVICE std::uint32_t code_of(float x) {
  constexpr float kRound = 12582912.0F;
  return static_cast<std::uint32_t>(static_cast<std::int32_t>((x + kRound) - kRound)) & 0xffU;
}

// Where block 0's scales of the slot's head and block begin is slot rounded down: groups lie
// [group][block_tokens].
KERNELS_DEVICE std::uint16_t* scale_of(const KvLayer& kv, std::size_t slot, std::uint32_t group) {
  const std::size_t block_tokens = std::size_t{1} << kv.block_shift;
  const std::size_t in_block = slot % block_tokens;
  const std::size_t at = (slot - in_block) * kv.scale_groups + group * block_tokens + in_block;
  return reinterpret_cast<std::uint16_t*>(kv.scales) + at;
}

// Sixteen lanes hold a group of 32.
KERNELS_DEVICE void store_codes(const KvLayer& kv, std::size_t slot, const HeadPart& part,
                                bool nan) {
  constexpr float kLargest = 127.0F * 65504.0F;
  KERNELS_UNROLL
  for (std::uint32_t p = 0; p < kPairs; ++p) {
    const std::uint32_t d = HeadPart::element(p);
    float x[2];
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      const float value = part.at[p][i];
      x[i] = value > kLargest ? kLargest : value < -kLargest ? -kLargest : value;
      if (x[i] != x[i]) x[i] = 0.0F;  // its scale says so
    }
    float largest = maximum(magnitude(x[0]), magnitude(x[1]));
    KERNELS_UNROLL
    for (std::uint32_t mask = 1; mask < 16; mask *= 2)
      largest = maximum(largest, shuffle_xor(largest, mask));
    const float scale = divide_rn(largest, 127.0F);
    const float inverse = scale < 1e-30F ? 0.0F : divide_rn(1.0F, scale);
    if (d >= kv.head_dim) continue;
    const std::uint32_t codes = code_of(x[0] * inverse) | code_of(x[1] * inverse) << 8U;
    *reinterpret_cast<std::uint16_t*>(kv.codes + slot * kv.row_bytes + d) =
        static_cast<std::uint16_t>(codes);
    if (lane() % 16 == 0) *scale_of(kv, slot, d / 32) = nan && d == 0 ? kNanHalf : to_f16(scale);
  }
}

template <KvFormat kFormat>
KERNELS_DEVICE void store_head(const KvLayer& kv, std::size_t slot, const HeadPart& part,
                               bool nan) {
  if constexpr (kFormat == KvFormat::kQ8_0) {
    store_codes(kv, slot, part, nan);
  } else {
    store_f16(kv, slot, part, nan);
  }
}

// block_x: a row; block_y and the warp: a query head, or (after those) a kv head's key and value.
template <KvFormat kFormat>
KERNELS_GLOBAL void KERNELS_BOUNDS(32 * kRopeWarps, 8) rope_store(RopeStoreArguments a) {
  KERNELS_SHARED(shared);
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x(), unit = block_y() * kRopeWarps + warp();
  const std::uint32_t head_dim = a.kv.head_dim;
  if (row >= row_count(a.rows.n) || unit >= a.q_heads + a.kv.kv_heads) return;
  float* scratch = reinterpret_cast<float*>(shared) + warp() * kHeadDimMax;
  const float* cos_sin = a.rope.cos_sin + row * a.rope.rope_dims;
  if (unit < a.q_heads) {
    float* q = a.q + static_cast<std::size_t>(row) * a.q_stride + unit * head_dim;
    HeadPart part = load_head(q, head_dim);
    normalise_head(a.q_norm, head_dim, &part);
    turn_head(a.rope, cos_sin, head_dim, scratch, &part);
    KERNELS_UNROLL
    for (std::uint32_t p = 0; p < kPairs; ++p) {
      const std::uint32_t d = HeadPart::element(p);
      if (d >= head_dim) continue;
      q[d] = part.at[p][0];
      q[d + 1] = part.at[p][1];
    }
    return;
  }
  const std::uint32_t head = unit - a.q_heads;
  const std::size_t from = static_cast<std::size_t>(row) * a.kv_stride + head * head_dim;
  HeadPart key = load_head(a.k + from, head_dim);
  normalise_head(a.k_norm, head_dim, &key);
  turn_head(a.rope, cos_sin, head_dim, scratch, &key);
  HeadPart value = load_head(a.v + from, head_dim);
  const bool key_nan = has_nan(key), value_nan = has_nan(value);
  zero_nans(&value);
  const std::int32_t position = a.rows.positions[row];
  const std::uint32_t block = block_of(a.rows, a.kv, row, position);
  if (block >= a.kv.blocks) return;
  const std::uint32_t slot = slot_of(a.kv, position);
  store_head<kFormat>(a.kv, first_slot(a.kv, block, 0, head) + slot, key, key_nan || value_nan);
  store_head<kFormat>(a.kv, first_slot(a.kv, block, 1, head) + slot, value, false);
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ROPE_STORE_KERNEL_H_
