// The scalar backend: every operation as its formula reads, accumulated
// in double, one row after another, with no state between rows. It is
// the oracle of the other backends; nothing in it is made to be fast.
#ifndef KERNELS_REFERENCE_REFERENCE_OPS_H_
#define KERNELS_REFERENCE_REFERENCE_OPS_H_

#include <vector>

#include "kernels/ops.h"

namespace kernels::reference {

class ReferenceOps final : public Ops {
 public:
  explicit ReferenceOps(const Limits& limits) : limits_(limits) {}

  std::string_view name() const override { return "reference"; }
  const Limits& limits() const override { return limits_; }

  std::size_t weight_bytes(Format format, std::size_t rows, std::size_t cols) const override;
  Status load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) override;
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

 private:
  // inputs[i] . weight row r for every i and r, handed to
  // `use(i, r, value)`. Each row is decoded once.
  template <typename Use>
  void for_each_product(const Weight& weight, const std::vector<std::vector<double>>& inputs,
                        Use use);

  Limits limits_;
};

}  // namespace kernels::reference

#endif  // KERNELS_REFERENCE_REFERENCE_OPS_H_
