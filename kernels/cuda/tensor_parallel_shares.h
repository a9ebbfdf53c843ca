// What a caller of several devices holds: buffers, matrices and caches of which every device has
// its share.
#ifndef KERNELS_CUDA_TENSOR_PARALLEL_SHARES_H_
#define KERNELS_CUDA_TENSOR_PARALLEL_SHARES_H_

#include <memory>
#include <utility>
#include <vector>

#include "kernels/cuda/cuda_weights.h"
#include "kernels/cuda/shared_buffers.h"
#include "kernels/ops.h"

namespace kernels::cuda {

// The caller sees device 0's.
class SharedBuffer final : public Buffer {
 public:
  SharedBuffer(SharedBuffers& buffers, std::vector<std::unique_ptr<Buffer>> parts)
      : Buffer(parts[0]->data(), parts[0]->bytes()), buffers_(buffers), parts_(std::move(parts)) {
    buffers_.add(parts_);
  }
  SharedBuffer(const SharedBuffer&) = delete;
  SharedBuffer& operator=(const SharedBuffer&) = delete;
  ~SharedBuffer() override { buffers_.remove(*parts_[0]); }

 private:
  SharedBuffers& buffers_;
  std::vector<std::unique_ptr<Buffer>> parts_;
};

// rows() and cols() are the whole matrix's; a part's are the device's.
class SharedWeight final : public Weight {
 public:
  SharedWeight(const WeightSource& source, std::vector<std::unique_ptr<Weight>> parts)
      : Weight(source.format, source.rows, source.cols),
        split_(source.split),
        parts_(std::move(parts)) {}

  WeightSplit split() const { return split_; }
  const CudaWeight& part(std::size_t device) const {
    return static_cast<const CudaWeight&>(*parts_[device]);
  }

 private:
  WeightSplit split_;
  std::vector<std::unique_ptr<Weight>> parts_;
};

// shape() is the whole cache's; a part has the device's heads.
class SharedKvCache final : public KvCache {
 public:
  SharedKvCache(const KvShape& shape, KvFormat format, std::vector<std::unique_ptr<KvCache>> parts)
      : KvCache(shape, format), parts_(std::move(parts)) {}

  KvCache& part(std::size_t device) const { return *parts_[device]; }

 private:
  std::vector<std::unique_ptr<KvCache>> parts_;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TENSOR_PARALLEL_SHARES_H_
