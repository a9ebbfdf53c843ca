// The CPU backend: decides which thread computes which
// outputs; the kernel set of the processor computes them.
//
// A linear operation is two loops: rows are normalised and quantised,
// then threads take groups of panels. Every output is computed by one
// thread, by steps that follow from the weight's shape and format alone.
#ifndef KERNELS_CPU_CPU_OPS_H_
#define KERNELS_CPU_CPU_OPS_H_

#include <optional>

#include "kernels/cpu/arena.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops.h"

namespace kernels::cpu {

class CpuOps final : public Ops {
 public:
  // Null when memory is refused.
  static std::unique_ptr<CpuOps> create(const Limits& limits, const KernelSet& kernels,
                                        std::size_t threads);

  std::string_view name() const override { return kernels_.name; }
  const Limits& limits() const override { return limits_; }

  std::size_t weight_bytes(Format format, std::size_t rows, std::size_t cols) const override;
  Status load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) override;
  std::uint32_t packed_layout() const override;
  Status pack_weight(const WeightSource& source, void* to) override;
  Status adopt_weight(Format format, std::size_t rows, std::size_t cols, const void* packed,
                      std::unique_ptr<Weight>* out) override;
  std::size_t scratch_bytes() const override { return scratch_.bytes; }
  Status allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) override;
  Status copy_in(void* to, const void* from_host, std::size_t bytes) override;
  Status copy_out(void* to_host, const void* from, std::size_t bytes) override;
  std::size_t kv_cache_bytes(const KvShape& shape, KvFormat format) const override;
  Status create_kv_cache(const KvShape& shape, KvFormat format,
                         std::unique_ptr<KvCache>* out) override;
  Status kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) override;

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

  std::size_t host_threads() const override { return pool_->threads(); }
  void for_each_host(std::size_t tasks, HostTask run, const void* context) override {
    pool_->parallel_for(tasks,
                        [run, context](std::size_t task, std::size_t) { run(context, task); });
  }

 private:
  CpuOps(const Limits& limits, const KernelSet& kernels) : limits_(limits), kernels_(kernels) {}

  // The geometry of a matrix that fits the limits; data is null.
  std::optional<PackedWeight> plan(Format format, std::size_t rows, std::size_t cols) const;
  void pack(const PackedWeight& packed, const WeightSource& source, std::uint8_t* to);

  // The rows of a linear operation; row i is x[indexes[i]], or x[i] when indexes is null.
  struct Input {
    const float* x;
    const std::int32_t* indexes;
    std::size_t n;
    RmsNorm norm;
  };
  // Up to four matrices that read one input.
  void run_linear(const Input& input, const LinearJob* jobs, std::size_t job_count);
  void prepare_rows(const Input& input, std::size_t cols, bool quant, bool floats);

  // Cuts the rows of a call into tiles of adjacent rows of one sequence; returns how many.
  std::size_t plan_tiles(const Attention& args, const Rows& rows, const KvShape& shape,
                         const KvView& view, std::size_t rows_each);
  void attend_whole(const AttentionTile& tile, std::size_t thread);
  void attend_one_split(const AttentionTile& tile, std::size_t task, std::size_t split,
                        std::size_t thread);

  Limits limits_;
  const KernelSet& kernels_;
  Arena arena_;
  Scratch scratch_;
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_CPU_OPS_H_
