// What the devices keep: a buffer as large on each, of matrices and caches each its part.
#include <algorithm>

#include "kernels/check.h"
#include "kernels/cuda/tensor_parallel_ops.h"

namespace kernels::cuda {
namespace {

KvShape part_of(const KvShape& shape, std::size_t devices) {
  KvShape part = shape;
  part.kv_heads /= devices;
  return part;
}

}  // namespace

// ---- matrices -----------------------------------------------------------------------------------

std::size_t TensorParallelOps::weight_bytes(Format format, std::size_t rows,
                                            std::size_t cols) const {
  return split_weight_bytes(format, rows, cols, WeightSplit::kNone);
}

std::size_t TensorParallelOps::split_weight_bytes(Format format, std::size_t rows, std::size_t cols,
                                                  WeightSplit split) const {
  // The sums of a row's segments have to cross together.
  if (split == WeightSplit::kColumns && kSegmentsMax * rows > exchange_floats_) return 0;
  return devices_[0]->part_bytes(format, rows, cols, split, parts());
}

Status TensorParallelOps::load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) {
  if (split_weight_bytes(source.format, source.rows, source.cols, source.split) == 0)
    return Status::kUnsupported;
  std::vector<std::unique_ptr<Weight>> shares(count());
  const Status status = on_all([&](std::size_t device, CudaOps& ops) {
    const WeightPart part{static_cast<std::uint32_t>(device), parts()};
    return ops.load_part(source, part, &shares[device]);
  });
  if (status == Status::kOk) *out = std::make_unique<SharedWeight>(source, std::move(shares));
  return status;
}

// ---- buffers ------------------------------------------------------------------------------------

// Scratch of attention follows a GPU's processors.
std::size_t TensorParallelOps::scratch_bytes() const {
  std::size_t bytes = 0;
  for (const auto& device : devices_) bytes = std::max(bytes, device->scratch_bytes());
  return bytes;
}

Status TensorParallelOps::allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) {
  std::vector<std::unique_ptr<Buffer>> shares(count());
  const Status status = on_all(
      [&](std::size_t device, CudaOps& ops) { return ops.allocate(bytes, &shares[device]); });
  if (status == Status::kOk) *out = std::make_unique<SharedBuffer>(buffers_, std::move(shares));
  return status;
}

Status TensorParallelOps::copy_in(void* to, const void* from_host, std::size_t bytes) {
  return on_all([&](std::size_t device, CudaOps& ops) {
    return ops.copy_in(buffers_.on(device, to), from_host, bytes);
  });
}

Status TensorParallelOps::copy_out(void* to_host, const void* from, std::size_t bytes) {
  return on_one(0, [&](CudaOps& ops) { return ops.copy_out(to_host, from, bytes); });
}

// Row by row: a device's columns of a row lie side by side on the host, its rows do not.
Status TensorParallelOps::write_rows(float* rows, const float* from_host, std::size_t n,
                                     std::size_t cols) {
  KERNELS_CHECK(cols % count() == 0);
  const std::size_t part = cols / count();
  return on_all([&](std::size_t device, CudaOps& ops) {
    float* const to = buffers_.part_on(device, rows);
    Status status = Status::kOk;
    for (std::size_t i = 0; i < n && status == Status::kOk; ++i)
      status = ops.write_rows(to + i * part, from_host + i * cols + device * part, 1, part);
    return status;
  });
}

Status TensorParallelOps::read_rows(float* to_host, const float* rows, std::size_t n,
                                    std::size_t cols) {
  KERNELS_CHECK(cols % count() == 0);
  const std::size_t part = cols / count();
  return on_all([&](std::size_t device, CudaOps& ops) {
    const float* const from = buffers_.part_on(device, rows);
    Status status = Status::kOk;
    for (std::size_t i = 0; i < n && status == Status::kOk; ++i)
      status = ops.read_rows(to_host + i * cols + device * part, from + i * part, 1, part);
    return status;
  });
}

// ---- caches -------------------------------------------------------------------------------------

std::size_t TensorParallelOps::kv_cache_bytes(const KvShape& shape, KvFormat format) const {
  if (shape.kv_heads % count() != 0) return 0;
  return devices_[0]->kv_cache_bytes(part_of(shape, count()), format);
}

Status TensorParallelOps::create_kv_cache(const KvShape& shape, KvFormat format,
                                          std::unique_ptr<KvCache>* out) {
  if (kv_cache_bytes(shape, format) == 0) return Status::kUnsupported;
  std::vector<std::unique_ptr<KvCache>> shares(count());
  const Status status = on_all([&](std::size_t device, CudaOps& ops) {
    return ops.create_kv_cache(part_of(shape, count()), format, &shares[device]);
  });
  if (status == Status::kOk)
    *out = std::make_unique<SharedKvCache>(shape, format, std::move(shares));
  return status;
}

Status TensorParallelOps::kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) {
  const auto& shared = static_cast<const SharedKvCache&>(cache);
  return on_all([&](std::size_t device, CudaOps& ops) {
    return ops.kv_copy_block(shared.part(device), from, to);
  });
}

}  // namespace kernels::cuda
