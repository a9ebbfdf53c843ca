// kernels/ops.h on a Device: cuda_ops.cc makes it and keeps its memory and steps,
// cuda_operations.cc has the operations.
#ifndef KERNELS_CUDA_CUDA_BACKEND_H_
#define KERNELS_CUDA_CUDA_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "kernels/cuda/cuda_memory.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/cuda_weights.h"
#include "kernels/cuda/step_inputs.h"
#include "kernels/cuda/step_recorder.h"

namespace kernels::cuda {

class CudaOps final : public Ops {
 public:
  CudaOps(std::unique_ptr<Device> device, const KernelSet& kernels, const CudaOpsOptions& options);
  ~CudaOps() override;
  // Takes the arena and the scratch; once, before anything else.
  Status create();

  std::string_view name() const override { return name_; }
  const Limits& limits() const override { return options_.limits; }
  std::string_view failure() const override { return device_->failure(); }
  bool hung() const override { return device_->hung(); }

  std::size_t weight_bytes(Format format, std::size_t rows, std::size_t cols) const override;
  Status load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) override;
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
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
  bool samples() const override;
  Status sample(const float* logits, std::size_t vocab, const SampleRow* rows, std::size_t count,
                std::int32_t* tokens) override;

  std::size_t host_threads() const override { return pool_->threads(); }
  void for_each_host(std::size_t tasks, HostTask run, const void* context) override;

  // ---- as one device of several (tensor_parallel.h): cuda_parts.cc. Between recordings.

  Device& device() { return *device_; }
  // Scratch for what crosses between devices.
  Status take_exchange(std::size_t bytes, DeviceRange* out) { return take_scratch(bytes, out); }
  // Of each of `count` parts; 0: there are no such parts.
  std::size_t part_bytes(Format format, std::size_t rows, std::size_t cols, WeightSplit split,
                         std::uint32_t count) const;
  Status load_part(const WeightSource& source, WeightPart part, std::unique_ptr<Weight>* out);
  // The first half of linear_residual: the sums of the segments of `part`, a part by columns, one
  // below the other. x as linear_residual's, of the part's columns; sums [segment_count, n, rows]
  Status linear_segments(const float* x, std::size_t n, const CudaWeight& part, float* sums);
  // The second half: adds those of the whole matrix, `segment_count` of them. term.weight is the
  // part.
  Status add_segments(const float* sums, std::uint32_t segment_count, std::size_t n,
                      const LinearTerm& term);
  // `tiles` of the head's tiles from `first_tile`: logits of their rows alone, [count, out_stride].
  Status logits_of_tiles(const float* x, const std::int32_t* row_indexes, std::size_t count,
                         const RmsNorm& norm, const CudaWeight& head, std::uint32_t first_tile,
                         std::uint32_t tiles, float* out, std::size_t out_stride);
  Status join(const JoinCall& call);

 private:
  void check_step(const Step& step) const;
  // Scratch that is counted.
  Status take_scratch(std::size_t bytes, DeviceRange* out);
  // The rows of an operation: those of the step while one is recorded.
  RowCount row_count(std::size_t n) const;
  RowCount logit_count(std::size_t count) const;
  RowTable row_table(const Rows& rows) const;
  // The two halves of norm(x) (rows.h) in normed_ and square_sums_; the latter come in where the
  // products are scaled.
  Status normalise(const float* x, const std::int32_t* indexes, RowCount n, std::size_t cols,
                   const RmsNorm& norm);
  // The same, unless the operation before has left them there.
  Status normalise_rows(const float* x, RowCount n, std::size_t cols, const RmsNorm& norm);
  NormScale norm_scale(std::size_t cols, const RmsNorm& norm) const;
  // Of normed_, the norm being of `cols` columns.
  LinearCall normed_call(LinearMode mode, const LinearMatrix* matrices, std::size_t count,
                         RowCount n, std::size_t cols, const RmsNorm& norm) const;
  // Rows that linear_residual is given: where they lie, or a padded copy.
  Status residual_input(const float* x, const TileShape& shape, RowCount n, LinearCall* call);
  // What is to be made of `out` for the norm after: where that can be done at once, and is wanted.
  NextNorm next_norm(const RmsNorm& next, std::size_t out_stride, std::size_t cols) const;
  Status gate_separately(const CudaWeight& gate, const CudaWeight& up, RowCount n,
                         const RmsNorm& norm, std::uint16_t* out);

  CudaOpsOptions options_;
  const KernelSet& kernels_;
  std::string name_;
  std::unique_ptr<cpu::ThreadPool> pool_;
  std::unique_ptr<Device> device_;  // outlives all that is below
  std::unique_ptr<DeviceArena> arena_;
  std::unique_ptr<WeightLoader> loader_;
  StepInputs inputs_;
  StepRecorder recorder_;
  bool stepping_ = false;  // between begin_step and end_step; then step_ is what was announced
  Step step_;
  std::size_t tokens_below_ = SIZE_MAX;  // rows of the table that recorded steps embed by

  std::size_t activation_cols_ = 0;
  DeviceRange activations_;  // bf16 [rows_max, activation_cols_]: padded copies
  DeviceRange normed_;       // bf16 [rows_max, activation_cols_]
  DeviceRange square_sums_;  // f32 [rows_max, square_sum_count(activation_cols_)]
  // What normed_ and square_sums_ were made of by linear_residual, until anything else happens to
  // them or to those rows; null: nothing.
  struct Prepared {
    const float* x = nullptr;
    const float* weight = nullptr;
    std::uint32_t rows = 0;
  };
  Prepared prepared_;
  DeviceRange gate_;  // f32 [rows_max, cols_max]
  DeviceRange up_;    // f32 [rows_max, cols_max]
  std::size_t attention_workspace_bytes_ = 0;
  DeviceRange attention_workspace_;
  DeviceRange stats_;              // f32 [2, rows_max]
  DeviceRange sample_rows_;        // SampleRow [rows_max]
  DeviceRange sample_tokens_;      // i32 [rows_max]
  std::vector<float> host_stats_;  // [2, rows_max]
  std::size_t scratch_bytes_ = 0;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_BACKEND_H_
