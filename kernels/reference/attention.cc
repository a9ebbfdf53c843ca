// Positions, the KV cache and attention: the part of the
// reference that knows more than one row's numbers.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/check.h"
#include "kernels/reference/math.h"
#include "kernels/reference/reference_ops.h"
#include "kernels/reference/storage.h"

namespace kernels::reference {
namespace {

struct Slot {
  std::size_t block;
  std::size_t slot;
};

// Where position `position` of row i's sequence lies.
Slot slot_of(const Rows& rows, std::size_t i, std::size_t position, const KvShape& shape) {
  const std::size_t entry = position / shape.block_tokens;
  KERNELS_CHECK(entry < rows.block_table_stride && rows.sequences[i] >= 0);
  const std::size_t table_row =
      static_cast<std::size_t>(rows.sequences[i]) * rows.block_table_stride;
  const std::int32_t block = rows.block_tables[table_row + entry];
  KERNELS_CHECK(block >= 0 && static_cast<std::size_t>(block) < shape.blocks);
  return {static_cast<std::size_t>(block), position % shape.block_tokens};
}

// Normalises and turns one head of q or k in place.
void prepare_head(float* head, std::size_t head_dim, const RmsNorm& norm, const Rope& rope,
                  const float* cos_sin) {
  std::vector<double> values = normalise(head, head_dim, norm);
  rotate(rope, cos_sin, values.data());
  for (std::size_t d = 0; d < head_dim; ++d) head[d] = static_cast<float>(values[d]);
}

// Softmax-weighted sum of the values at positions first … last for one query head.
void attend(const RefKvCache& cache, std::size_t layer, const Rows& rows, std::size_t i,
            std::size_t kv_head, std::size_t first, std::size_t last, const float* q, float scale,
            float* out) {
  const KvShape& shape = cache.shape();
  std::vector<double> scores;
  for (std::size_t p = first; p <= last; ++p) {
    const Slot at = slot_of(rows, i, p, shape);
    const float* key = cache.key(layer, at.block, at.slot, kv_head);
    double score = 0;
    for (std::size_t d = 0; d < shape.head_dim; ++d)
      score += static_cast<double>(q[d]) * static_cast<double>(key[d]);
    scores.push_back(score * static_cast<double>(scale));
  }
  const double max = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  std::vector<double> mixed(shape.head_dim);
  for (std::size_t p = first; p <= last; ++p) {
    const double weight = std::exp(scores[p - first] - max);
    const Slot at = slot_of(rows, i, p, shape);
    const float* value = cache.value(layer, at.block, at.slot, kv_head);
    for (std::size_t d = 0; d < shape.head_dim; ++d)
      mixed[d] += weight * static_cast<double>(value[d]);
    sum += weight;
  }
  for (std::size_t d = 0; d < shape.head_dim; ++d) out[d] = static_cast<float>(mixed[d] / sum);
}

}  // namespace

Status ReferenceOps::rope_store(const RopeStore& args, const Rows& rows, KvCache& cache,
                                std::size_t layer) {
  const KvShape& shape = cache.shape();
  const std::size_t head_dim = shape.head_dim;
  KERNELS_CHECK(args.rope.rope_dims % 2 == 0 && args.rope.rope_dims <= head_dim &&
                layer < shape.layers);
  for (std::size_t i = 0; i < rows.n; ++i) {
    const float* cos_sin = args.rope.cos_sin + i * args.rope.rope_dims;
    float* q = args.q + i * args.q_stride;
    float* k = args.k + i * args.kv_stride;
    const float* v = args.v + i * args.kv_stride;
    KERNELS_CHECK(rows.positions[i] >= 0);
    const Slot at = slot_of(rows, i, static_cast<std::size_t>(rows.positions[i]), shape);
    for (std::size_t h = 0; h < args.q_heads; ++h) {
      prepare_head(q + h * head_dim, head_dim, args.q_norm, args.rope, cos_sin);
    }
    for (std::size_t h = 0; h < shape.kv_heads; ++h) {
      prepare_head(k + h * head_dim, head_dim, args.k_norm, args.rope, cos_sin);
      static_cast<RefKvCache&>(cache).store(layer, at.block, at.slot, h, k + h * head_dim,
                                            v + h * head_dim);
    }
  }
  return Status::kOk;
}

Status ReferenceOps::attention(const Attention& args, const Rows& rows, const KvCache& cache,
                               std::size_t layer) {
  const KvShape& shape = cache.shape();
  KERNELS_CHECK(args.q_heads % shape.kv_heads == 0 && layer < shape.layers);
  const std::size_t group = args.q_heads / shape.kv_heads;
  for (std::size_t i = 0; i < rows.n; ++i) {
    const std::int32_t position = rows.positions[i];
    const std::int32_t first = args.window > 0 ? std::max(0, position - args.window + 1) : 0;
    for (std::size_t h = 0; h < args.q_heads; ++h) {
      attend(static_cast<const RefKvCache&>(cache), layer, rows, i, h / group,
             static_cast<std::size_t>(first), static_cast<std::size_t>(position),
             args.q + i * args.q_stride + h * shape.head_dim, args.scale,
             args.out + i * args.out_stride + h * shape.head_dim);
    }
  }
  return Status::kOk;
}

}  // namespace kernels::reference
