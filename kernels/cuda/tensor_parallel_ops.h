// kernels/ops.h on several devices: tensor_parallel.cc makes it and says what failed,
// tensor_parallel_memory.cc has what the devices keep, tensor_parallel_operations.cc what they do.
//
// Pointers are the caller's: device 0's (shared_buffers.h). Rows of queries, keys, values,
// attention and the MLP are shared out by columns; copy_out of such rows would give device 0's
// columns, read_rows gives all of attention's and the MLP's. Of logits only device 0's are whole.
#ifndef KERNELS_CUDA_TENSOR_PARALLEL_OPS_H_
#define KERNELS_CUDA_TENSOR_PARALLEL_OPS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/tensor_parallel_shares.h"

namespace kernels::cuda {

inline constexpr std::size_t kSegmentsMax = 4;  // linear.h, segments()

class TensorParallelOps final : public Ops {
 public:
  TensorParallelOps(std::vector<std::unique_ptr<Device>> devices, const KernelSet& kernels,
                    const CudaOpsOptions& options);
  // Takes every device's memory and tries the ways between them; once, before anything else.
  // `error` says what is wrong where failure() does not.
  Status create(std::string* error);

  std::string_view name() const override { return devices_[0]->name(); }
  const Limits& limits() const override { return limits_; }
  std::string_view failure() const override { return failure_; }
  bool hung() const override;

  std::size_t weight_bytes(Format format, std::size_t rows, std::size_t cols) const override;
  std::size_t split_weight_bytes(Format format, std::size_t rows, std::size_t cols,
                                 WeightSplit split) const override;
  Status load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) override;
  std::size_t scratch_bytes() const override;
  Status allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) override;
  Status copy_in(void* to, const void* from_host, std::size_t bytes) override;
  Status copy_out(void* to_host, const void* from, std::size_t bytes) override;
  std::size_t kv_cache_bytes(const KvShape& shape, KvFormat format) const override;
  Status create_kv_cache(const KvShape& shape, KvFormat format,
                         std::unique_ptr<KvCache>* out) override;
  Status kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) override;

  Status begin_step(const Step& step, bool* replayed) override;
  Status end_step() override;

  Status embed(const Weight& table, const std::int32_t* tokens, std::size_t n, float* out) override;
  Status norm_linear(const float* x, std::size_t n, const RmsNorm& norm, const LinearTerm* terms,
                     std::size_t term_count) override;
  Status linear_residual(const float* x, std::size_t n, const LinearTerm& term) override;
  Status norm_gated_mlp(const float* x, std::size_t n, const RmsNorm& norm, const Weight& gate,
                        const Weight& up, Activation activation, float* out) override;
  Status rope_store(const RopeStore& args, const Rows& rows, KvCache& cache,
                    std::size_t layer) override;
  Status attention(const Attention& args, const Rows& rows, const KvCache& cache,
                   std::size_t layer) override;
  Status logits(const float* x, const std::int32_t* row_indexes, std::size_t count,
                const RmsNorm& norm, const Weight& head, float* out) override;
  Status logit_stats(const float* logits, std::size_t count, std::size_t vocab, float* max,
                     float* log_sum_exp) override;
  Status write_rows(float* rows, const float* from_host, std::size_t n, std::size_t cols) override;
  Status read_rows(float* to_host, const float* rows, std::size_t n, std::size_t cols) override;
  bool samples() const override { return devices_[0]->samples(); }
  Status sample(const float* logits, std::size_t vocab, const SampleRow* rows, std::size_t count,
                std::int32_t* tokens) override;

  std::size_t host_threads() const override { return devices_[0]->host_threads(); }
  void for_each_host(std::size_t tasks, HostTask run, const void* context) override {
    devices_[0]->for_each_host(tasks, run, context);
  }

 private:
  // call(device, its ops), of one after the other until one does not say kOk. Nothing more is asked
  // of any once one has failed.
  template <typename Call>
  Status on_all(Call call) {
    for (std::size_t device = 0; device < count(); ++device) {
      const Status status = on_one(device, [&](CudaOps& ops) { return call(device, ops); });
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  }
  template <typename Call>
  Status on_one(std::size_t device, Call call) {
    if (!failure_.empty()) return Status::kDevice;
    const Status status = call(*devices_[device]);
    if (status == Status::kDevice) note_failure();
    return status;
  }

  std::size_t count() const { return devices_.size(); }
  std::uint32_t parts() const { return static_cast<std::uint32_t>(devices_.size()); }
  void note_failure();
  // Copies from another device's exchange memory.
  Status fetch(std::size_t to_device, float* to, std::size_t from_device, const float* from,
               std::size_t floats);
  Status try_way(std::size_t to_device, std::size_t from_device, std::string* error);

  RmsNorm on(std::size_t device, const RmsNorm& norm) const;
  Rows on(std::size_t device, const Rows& rows) const;
  LinearTerm on(std::size_t device, const LinearTerm& term) const;
  Status add_shared_out(const float* x, std::size_t n, const LinearTerm& term);
  // Of as many rows as exchange memory holds.
  Status add_turn(const float* x, std::size_t n, const LinearTerm& term);
  // Every device gets the sums of all, in the order of devices: `floats` of each.
  Status exchange_sums(std::size_t floats);
  // Brings what `device` computed of logits, rows of `cols` floats, to columns first … of device
  // 0's rows of out_stride.
  Status gather_logits(std::size_t device, std::size_t n, std::size_t first, std::size_t cols,
                       float* out, std::size_t out_stride);

  Limits limits_;
  std::vector<std::unique_ptr<CudaOps>> devices_;
  std::string failure_;
  SharedBuffers buffers_;
  std::size_t exchange_floats_ = 0;
  std::vector<DeviceRange> exchange_;  // of each device; destroyed before its ops
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TENSOR_PARALLEL_OPS_H_
