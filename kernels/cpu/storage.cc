#include "kernels/cpu/storage.h"

#include <cstring>

namespace kernels::cpu {
namespace {

std::size_t padded(std::size_t head_dim) {
  return (head_dim + kLanes - 1) / kLanes * kLanes;
}

// Bytes of 16 positions of one head, keys or values: whole cache lines.
std::size_t group_bytes(std::size_t head_dim, KvFormat format) {
  const std::size_t elements = kLanes * padded(head_dim);
  if (format == KvFormat::kF32) return elements * sizeof(float);
  if (format == KvFormat::kF16) return elements * sizeof(std::uint16_t);
  const std::size_t scales = kLanes * ((head_dim + kBlock - 1) / kBlock);
  return (elements + scales * sizeof(std::uint16_t) + 63) / 64 * 64;
}

bool is_valid(const KvShape& shape) {
  const bool power_of_two = (shape.block_tokens & (shape.block_tokens - 1)) == 0;
  return shape.layers > 0 && shape.kv_heads > 0 && shape.head_dim > 0 && shape.blocks > 0 &&
         power_of_two && shape.block_tokens >= kLanes && shape.block_tokens <= kSplit &&
         shape.blocks <= INT32_MAX && shape.head_dim <= 65536;
}

}  // namespace

std::optional<std::size_t> cache_bytes(const KvShape& shape, KvFormat format) {
  if (!is_valid(shape)) return std::nullopt;
  std::size_t bytes = 2 * group_bytes(shape.head_dim, format);
  for (const std::size_t factor :
       {shape.block_tokens / kLanes, shape.kv_heads, shape.blocks, shape.layers}) {
    if (__builtin_mul_overflow(bytes, factor, &bytes)) return std::nullopt;
  }
  return bytes;
}

CpuKvCache::CpuKvCache(const KvShape& shape, KvFormat format, Arena::Piece piece)
    : KvCache(shape, format), piece_(std::move(piece)) {}

std::size_t CpuKvCache::block_bytes() const {
  return shape().kv_heads * (shape().block_tokens / kLanes) *
         group_bytes(shape().head_dim, format());
}

KvView CpuKvCache::view(std::size_t layer) const {
  KvView view{};
  view.format = format();
  view.head_dim = shape().head_dim;
  view.padded_dim = padded(shape().head_dim);
  view.block_tokens = shape().block_tokens;
  view.block_bytes = block_bytes();
  view.head_bytes = view.block_bytes / shape().kv_heads;
  view.group_bytes = group_bytes(shape().head_dim, format());
  const std::size_t side_bytes = shape().blocks * view.block_bytes;
  view.keys = piece_.as<std::uint8_t>() + 2 * layer * side_bytes;
  view.values = view.keys + side_bytes;
  return view;
}

void CpuKvCache::copy_block(std::size_t from, std::size_t to) {
  if (from == to) return;
  const std::size_t bytes = block_bytes();
  for (std::size_t layer = 0; layer < shape().layers; ++layer) {
    const KvView at = view(layer);
    std::memcpy(at.keys + to * bytes, at.keys + from * bytes, bytes);
    std::memcpy(at.values + to * bytes, at.values + from * bytes, bytes);
  }
}

}  // namespace kernels::cpu
