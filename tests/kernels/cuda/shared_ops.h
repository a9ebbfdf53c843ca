// One emulated device, and several that share the same work: what tensor parallelism is tested
// with, bit for bit.
#ifndef TESTS_KERNELS_CUDA_SHARED_OPS_H_
#define TESTS_KERNELS_CUDA_SHARED_OPS_H_

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/tensor_parallel.h"
#include "tests/kernels/cuda/emulated_ops.h"

namespace kernels::cuda {

struct SharedOpsOptions {
  std::size_t devices = 2;
  bool sm90a = true;
  bool fp8 = false;
  std::uint64_t memory_bytes = std::uint64_t{24} << 20;  // of each
  std::size_t rows_max = 24;
};

// Wide enough that a matrix of 2048 columns has four segments.
inline CudaOpsOptions shared_cuda_options(const SharedOpsOptions& options) {
  CudaOpsOptions ops;
  ops.limits.rows_max = options.rows_max;
  ops.limits.cols_max = 2560;
  ops.limits.heads_max = 32;
  ops.limits.head_dim_max = 64;
  ops.limits.context_tokens_max = 256;
  ops.memory_bytes = options.memory_bytes;
  ops.fp8 = options.fp8;
  return ops;
}

inline std::unique_ptr<Device> make_shared_device(const SharedOpsOptions& options) {
  EmulatedDeviceOptions device;
  device.capability = options.sm90a ? 90 : 80;
  device.memory_bytes = options.memory_bytes + (std::uint64_t{1} << 20);
  return make_emulated_device(device);
}

inline std::unique_ptr<Ops> make_one(const SharedOpsOptions& options) {
  std::string error;
  auto ops = make_cuda_ops(make_shared_device(options), emulated_kernel_set(options.sm90a),
                           shared_cuda_options(options), &error);
  EXPECT_NE(ops, nullptr) << error;
  return ops;
}

inline std::unique_ptr<Ops> make_shared(const SharedOpsOptions& options, std::string* error) {
  std::vector<std::unique_ptr<Device>> devices;
  for (std::size_t i = 0; i < options.devices; ++i) devices.push_back(make_shared_device(options));
  return make_tensor_parallel_ops(std::move(devices), emulated_kernel_set(options.sm90a),
                                  shared_cuda_options(options), error);
}

inline std::unique_ptr<Ops> make_shared(const SharedOpsOptions& options) {
  std::string error;
  auto ops = make_shared(options, &error);
  EXPECT_NE(ops, nullptr) << error;
  return ops;
}

inline std::unique_ptr<Weight> load_share(Ops& ops, const kernels_test::Matrix& matrix,
                                          WeightSplit split) {
  WeightSource source = matrix.source();
  source.split = split;
  std::unique_ptr<Weight> weight;
  EXPECT_EQ(ops.load_weight(source, &weight), Status::kOk) << format_info(matrix.format).name;
  return weight;
}

// Rows of attention's and the MLP's form.
inline std::vector<float> read_shared_rows(Ops& ops, const float* rows, std::size_t n,
                                           std::size_t cols) {
  std::vector<float> read(n * cols);
  EXPECT_EQ(ops.read_rows(read.data(), rows, n, cols), Status::kOk);
  return read;
}

// Adds weight x random rows, in attention's form, and a bias to random rows of out_stride.
inline std::vector<float> add_rows(Ops& ops, const Weight& weight, std::size_t n,
                                   std::size_t out_stride) {
  const Held<float> rows(ops, n * weight.cols());
  EXPECT_EQ(ops.write_rows(rows.data(), kernels_test::Random(2).uniforms(n * weight.cols()).data(),
                           n, weight.cols()),
            Status::kOk);
  const Held<float> out(ops, kernels_test::Random(3).uniforms(n * out_stride));
  const Held<float> bias(ops, kernels_test::Random(4).uniforms(weight.rows()));
  EXPECT_EQ(ops.linear_residual(rows.data(), n, {&weight, bias.data(), out.data(), out_stride, {}}),
            Status::kOk);
  return out.read();
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// What weights are made of, one for every kind of tile that is laid out otherwise.
struct SharedCase {
  Format format;
  bool fp8;
};
inline constexpr SharedCase kSharedCases[] = {{Format::kBF16, false},
                                              {Format::kF32, false},
                                              {Format::kQ8_0, false},
                                              {Format::kQ4_K, false},
                                              {Format::kBF16, true}};

// That two and four devices give the bits of one, of both kernel sets. `run` takes an Ops and
// returns what it computed.
template <typename Run>
void expect_same_bits(bool fp8, Run run) {
  for (const bool sm90a : {true, false}) {
    const auto one = make_one({.sm90a = sm90a, .fp8 = fp8});
    const std::vector<float> expected = run(*one);
    for (const std::size_t devices : {2U, 4U}) {
      const auto several = make_shared({.devices = devices, .sm90a = sm90a, .fp8 = fp8});
      EXPECT_EQ(one->name(), several->name());
      EXPECT_TRUE(same_bits(expected, run(*several))) << one->name() << " on " << devices;
    }
  }
}

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_SHARED_OPS_H_
