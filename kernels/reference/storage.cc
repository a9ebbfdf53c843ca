#include "kernels/reference/storage.h"

#include <algorithm>
#include <cstdlib>

#include "kernels/dequantize.h"
#include "kernels/half.h"

namespace kernels::reference {

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
  for (std::size_t d = 0; d < shape().head_dim; ++d) {
    const bool half = format() == KvFormat::kF16;
    keys_[at + d] = half ? f16_to_f32(f32_to_f16(key[d])) : key[d];
    values_[at + d] = half ? f16_to_f32(f32_to_f16(value[d])) : value[d];
  }
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
