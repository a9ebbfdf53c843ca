#include "kernels/reference/storage.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "kernels/dequantize.h"
#include "kernels/half.h"

namespace kernels::reference {
namespace {

float to_f16(float x) {
  return f16_to_f32(f32_to_f16(x));
}

// Up to 32 elements as Q8_0 has them (ggml-quants.c, quantize_row_q8_0): the scale that is kept is
// binary16, codes are chosen by the one before rounding.
void round_block(const float* x, std::size_t count, float* out) {
  float largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!(std::fabs(x[i]) <= largest)) largest = std::fabs(x[i]);  // a NaN stays
    if (std::isnan(largest)) break;
  }
  const float scale = largest / 127.0F;
  const float inverse = scale < 1e-30F ? 0.0F : 1.0F / scale;
  for (std::size_t i = 0; i < count; ++i) out[i] = std::nearbyint(x[i] * inverse) * to_f16(scale);
}

// One head as the cache will give it back.
void round_head(KvFormat format, const float* x, std::size_t head_dim, float* out) {
  constexpr std::size_t kBlock = 32;
  switch (format) {
    case KvFormat::kF32:
      std::copy_n(x, head_dim, out);
      break;
    case KvFormat::kF16:
      std::transform(x, x + head_dim, out, to_f16);
      break;
    case KvFormat::kQ8_0:
      for (std::size_t d = 0; d < head_dim; d += kBlock)
        round_block(x + d, std::min(kBlock, head_dim - d), out + d);
      break;
  }
}

}  // namespace

RefWeight::RefWeight(const WeightSource& source, std::size_t row_bytes)
    : Weight(source.format, source.rows, source.cols), row_bytes_(row_bytes) {
  const auto* bytes = static_cast<const std::uint8_t*>(source.data);
  bytes_.assign(bytes, bytes + source.rows * row_bytes);
}

void RefWeight::read_row(std::size_t row, float* out) const {
  dequantize_row(format(), bytes_.data() + row * row_bytes_, cols(), out);
}

RefBuffer::~RefBuffer() {
  std::free(data());
}

std::size_t cache_elements(const KvShape& shape) {
  return shape.layers * shape.blocks * shape.block_tokens * shape.kv_heads * shape.head_dim;
}

RefKvCache::RefKvCache(const KvShape& shape, KvFormat format)
    : KvCache(shape, format), keys_(cache_elements(shape)), values_(cache_elements(shape)) {}

void RefKvCache::store(std::size_t layer, std::size_t block, std::size_t slot, std::size_t head,
                       const float* key, const float* value) {
  const std::size_t at = offset(layer, block, slot, head);
  round_head(format(), key, shape().head_dim, keys_.data() + at);
  round_head(format(), value, shape().head_dim, values_.data() + at);
}

const float* RefKvCache::key(std::size_t layer, std::size_t block, std::size_t slot,
                             std::size_t head) const {
  return keys_.data() + offset(layer, block, slot, head);
}

const float* RefKvCache::value(std::size_t layer, std::size_t block, std::size_t slot,
                               std::size_t head) const {
  return values_.data() + offset(layer, block, slot, head);
}

void RefKvCache::copy_block(std::size_t from, std::size_t to) {
  const std::size_t block_elements = shape().block_tokens * shape().kv_heads * shape().head_dim;
  for (std::size_t layer = 0; layer < shape().layers; ++layer) {
    const std::size_t source = offset(layer, from, 0, 0);
    const std::size_t target = offset(layer, to, 0, 0);
    std::copy_n(keys_.data() + source, block_elements, keys_.data() + target);
    std::copy_n(values_.data() + source, block_elements, values_.data() + target);
  }
}

std::size_t RefKvCache::offset(std::size_t layer, std::size_t block, std::size_t slot,
                               std::size_t head) const {
  const std::size_t token = (layer * shape().blocks + block) * shape().block_tokens + slot;
  return (token * shape().kv_heads + head) * shape().head_dim;
}

}  // namespace kernels::reference
