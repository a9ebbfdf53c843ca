// What the reference backend keeps: weights as the file has
// them, buffers, and a KV cache of plain floats.
#ifndef KERNELS_REFERENCE_STORAGE_H_
#define KERNELS_REFERENCE_STORAGE_H_

#include <cstdint>
#include <vector>

#include "kernels/ops.h"

namespace kernels::reference {

class RefWeight final : public Weight {
 public:
  RefWeight(const WeightSource& source, std::size_t row_bytes);

  // Writes the `cols()` elements of one row.
  void read_row(std::size_t row, float* out) const;

 private:
  std::size_t row_bytes_;
  std::vector<std::uint8_t> bytes_;
};

class RefBuffer final : public Buffer {
 public:
  RefBuffer(void* data, std::size_t bytes) : Buffer(data, bytes) {}
  ~RefBuffer() override;
};

// Keys and values are [layer][block][slot][kv head][head_dim] floats; each was rounded to
// what the cache's format holds when it was stored.
class RefKvCache final : public KvCache {
 public:
  RefKvCache(const KvShape& shape, KvFormat format);

  void store(std::size_t layer, std::size_t block, std::size_t slot, std::size_t head,
             const float* key, const float* value);
  const float* key(std::size_t layer, std::size_t block, std::size_t slot, std::size_t head) const;
  const float* value(std::size_t layer, std::size_t block, std::size_t slot,
                     std::size_t head) const;
  void copy_block(std::size_t from, std::size_t to);

 private:
  std::size_t offset(std::size_t layer, std::size_t block, std::size_t slot,
                     std::size_t head) const;

  std::vector<float> keys_;
  std::vector<float> values_;
};

// Elements of all keys (or all values) of a cache of this shape.
std::size_t cache_elements(const KvShape& shape);

}  // namespace kernels::reference

#endif  // KERNELS_REFERENCE_STORAGE_H_
