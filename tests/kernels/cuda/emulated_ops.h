// The CUDA backend on an emulated device, and what its tests put in and take out.
#ifndef TESTS_KERNELS_CUDA_EMULATED_OPS_H_
#define TESTS_KERNELS_CUDA_EMULATED_OPS_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/emulated/emulated_device.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {

struct EmulatedOpsOptions {
  bool sm90a = true;
  bool fp8 = false;
  bool record_steps = true;
  std::uint64_t order_seed = 0;
  std::uint64_t memory_bytes = std::uint64_t{64} << 20;
  std::size_t rows_max = 64;
  std::size_t host_threads = 1;
  std::uint64_t* launches = nullptr;  // counts them
};

inline Limits small_limits(std::size_t rows_max = 64) {
  Limits limits;
  limits.rows_max = rows_max;
  limits.cols_max = 768;
  limits.heads_max = 8;
  limits.head_dim_max = 64;
  limits.context_tokens_max = 1024;
  return limits;
}

inline std::unique_ptr<Ops> make_emulated_ops(const EmulatedOpsOptions& options,
                                              std::string* error) {
  EmulatedDeviceOptions device;
  device.capability = options.sm90a ? 90 : 80;
  device.order_seed = options.order_seed;
  device.memory_bytes = options.memory_bytes + (std::uint64_t{1} << 20);
  device.launches = options.launches;
  CudaOpsOptions ops;
  ops.limits = small_limits(options.rows_max);
  ops.memory_bytes = options.memory_bytes;
  ops.fp8 = options.fp8;
  ops.record_steps = options.record_steps;
  ops.host_threads = options.host_threads;
  return make_cuda_ops(make_emulated_device(device), emulated_kernel_set(options.sm90a), ops,
                       error);
}

inline std::unique_ptr<Ops> make_emulated_ops(const EmulatedOpsOptions& options = {}) {
  std::string error;
  auto ops = make_emulated_ops(options, &error);
  EXPECT_NE(ops, nullptr) << error;
  return ops;
}

// Values in memory of a backend, whichever it is.
template <typename T>
class Held {
 public:
  Held(Ops& ops, const std::vector<T>& values) : ops_(ops), count_(values.size()) {
    EXPECT_EQ(ops.allocate(count_ * sizeof(T), &buffer_), Status::kOk);
    write(values);
  }
  Held(Ops& ops, std::size_t count) : Held(ops, std::vector<T>(count)) {}

  T* data() const { return static_cast<T*>(buffer_->data()); }
  void write(const std::vector<T>& values) {
    EXPECT_EQ(ops_.copy_in(buffer_->data(), values.data(), values.size() * sizeof(T)), Status::kOk);
  }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    EXPECT_EQ(ops_.copy_out(values.data(), buffer_->data(), count_ * sizeof(T)), Status::kOk);
    return values;
  }

 private:
  Ops& ops_;
  std::size_t count_;
  std::unique_ptr<Buffer> buffer_;
};

inline std::unique_ptr<Weight> load_matrix(Ops& ops, const kernels_test::Matrix& matrix) {
  std::unique_ptr<Weight> weight;
  EXPECT_EQ(ops.load_weight(matrix.source(), &weight), Status::kOk)
      << format_info(matrix.format).name;
  return weight;
}

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_EMULATED_OPS_H_
