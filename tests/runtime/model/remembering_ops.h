// A backend in front of another that remembers steps of decode, as one with recorded launches does:
// when a step of the same shape comes again it runs what it wrote down, with the pointers of the
// first time. It draws tokens by Sampler, can be made to fail, and states memory as if several
// devices shared each layer.
#ifndef TESTS_RUNTIME_MODEL_REMEMBERING_OPS_H_
#define TESTS_RUNTIME_MODEL_REMEMBERING_OPS_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hardening/base/check.h"
#include "kernels/ops.h"
#include "runtime/engine/sampler.h"

namespace runtime {

class RememberingOps final : public kernels::Ops {
 public:
  explicit RememberingOps(std::unique_ptr<kernels::Ops> ops) : ops_(std::move(ops)) {}

  struct Announced {
    std::size_t rows = 0;
    std::size_t logits = 0;
    std::int32_t position_max = 0;
    bool decode = false;
    bool replayed = false;
    std::size_t operations = 0;  // asked for between begin_step and end_step
  };
  std::vector<Announced> steps;
  std::size_t operations_outside = 0;
  std::size_t logits_copied = 0;  // bytes that copy_out gave
  std::size_t rows_measured = 0;  // by logit_stats
  std::size_t rows_drawn = 0;
  bool draws = false;
  bool draws_wrongly = false;
  // From then on every operation fails.
  bool broken = false;
  bool hangs = false;
  // As many devices share each layer, as far as memory goes; a matrix whose shared side is not a
  // multiple of `part` for each cannot be shared out.
  std::size_t devices = 1;
  std::size_t part = 1;
  std::vector<kernels::WeightSource> loaded;  // but for their data
  std::shared_ptr<const void> held;           // as long as this lives

  std::string_view name() const override { return "remembering"; }
  const kernels::Limits& limits() const override { return ops_->limits(); }
  std::string_view failure() const override { return broken ? "the wire is cut" : ""; }
  bool hung() const override { return hangs; }

  std::size_t weight_bytes(kernels::Format format, std::size_t rows,
                           std::size_t cols) const override {
    return ops_->weight_bytes(format, rows, cols);
  }
  std::size_t split_weight_bytes(kernels::Format format, std::size_t rows, std::size_t cols,
                                 kernels::WeightSplit split) const override {
    const std::size_t whole = ops_->split_weight_bytes(format, rows, cols, split);
    if (devices == 1 || split == kernels::WeightSplit::kNone) return whole;
    const std::size_t side = split == kernels::WeightSplit::kRows ? rows : cols;
    return side % (devices * part) == 0 ? whole / devices : 0;
  }
  kernels::Status load_weight(const kernels::WeightSource& source,
                              std::unique_ptr<kernels::Weight>* out) override {
    loaded.push_back(source);
    loaded.back().data = nullptr;
    return ops_->load_weight(source, out);
  }
  kernels::Status allocate(std::size_t bytes, std::unique_ptr<kernels::Buffer>* out) override {
    return ops_->allocate(bytes, out);
  }
  kernels::Status copy_in(void* to, const void* from, std::size_t bytes) override {
    if (in_step_) ADD_FAILURE() << "a copy within a step";
    return ops_->copy_in(to, from, bytes);
  }
  kernels::Status copy_out(void* to, const void* from, std::size_t bytes) override {
    if (in_step_) ADD_FAILURE() << "a copy within a step";
    logits_copied += bytes;
    return ops_->copy_out(to, from, bytes);
  }
  std::size_t kv_cache_bytes(const kernels::KvShape& shape,
                             kernels::KvFormat format) const override {
    return ops_->kv_cache_bytes(shape, format) / devices;
  }
  kernels::Status create_kv_cache(const kernels::KvShape& shape, kernels::KvFormat format,
                                  std::unique_ptr<kernels::KvCache>* out) override {
    return ops_->create_kv_cache(shape, format, out);
  }
  kernels::Status kv_copy_block(kernels::KvCache& cache, std::int32_t from,
                                std::int32_t to) override {
    return ops_->kv_copy_block(cache, from, to);
  }

  kernels::Status begin_step(const kernels::Step& step, bool* replayed) override {
    CHECK(!in_step_);
    in_step_ = true;
    step_ = step;
    known_ = &memory_[{step.rows.n, step.rows.block_table_stride}];
    *replayed = step.decode && !known_->empty();
    if (!step.decode) known_ = nullptr;
    steps.push_back({step.rows.n, step.logit_count, step.position_max, step.decode, *replayed, 0});
    return broken ? kernels::Status::kDevice : kernels::Status::kOk;
  }
  kernels::Status end_step() override {
    CHECK(in_step_);
    in_step_ = false;
    if (!steps.back().replayed) return kernels::Status::kOk;
    EXPECT_EQ(steps.back().operations, 0u);
    for (const auto& operation : *known_) EXPECT_EQ(operation(), kernels::Status::kOk);
    return kernels::Status::kOk;
  }

  kernels::Status embed(const kernels::Weight& table, const std::int32_t* tokens, std::size_t n,
                        float* out) override {
    EXPECT_TRUE(!in_step_ || (tokens == step_.tokens && n == step_.rows.n));
    return run([this, &table, tokens, n, out] { return ops_->embed(table, tokens, n, out); });
  }
  kernels::Status norm_linear(const float* x, std::size_t n, const kernels::RmsNorm& norm,
                              const kernels::LinearTerm* terms, std::size_t count) override {
    return run([this, x, n, norm, kept = std::vector(terms, terms + count)] {
      return ops_->norm_linear(x, n, norm, kept.data(), kept.size());
    });
  }
  kernels::Status linear_residual(const float* x, std::size_t n,
                                  const kernels::LinearTerm& term) override {
    return run([this, x, n, term] { return ops_->linear_residual(x, n, term); });
  }
  kernels::Status norm_gated_mlp(const float* x, std::size_t n, const kernels::RmsNorm& norm,
                                 const kernels::Weight& gate, const kernels::Weight& up,
                                 kernels::Activation activation, float* out) override {
    return run([this, x, n, norm, &gate, &up, activation, out] {
      return ops_->norm_gated_mlp(x, n, norm, gate, up, activation, out);
    });
  }
  kernels::Status rope_store(const RopeStore& args, const kernels::Rows& rows,
                             kernels::KvCache& cache, std::size_t layer) override {
    check_rows(rows);
    return run(
        [this, args, rows, &cache, layer] { return ops_->rope_store(args, rows, cache, layer); });
  }
  kernels::Status attention(const Attention& args, const kernels::Rows& rows,
                            const kernels::KvCache& cache, std::size_t layer) override {
    return run(
        [this, args, rows, &cache, layer] { return ops_->attention(args, rows, cache, layer); });
  }
  kernels::Status logits(const float* x, const std::int32_t* indexes, std::size_t count,
                         const kernels::RmsNorm& norm, const kernels::Weight& head,
                         float* out) override {
    EXPECT_TRUE(!in_step_ || (indexes == step_.logit_rows && count == step_.logit_count));
    return run([this, x, indexes, count, norm, &head, out] {
      return ops_->logits(x, indexes, count, norm, head, out);
    });
  }
  kernels::Status logit_stats(const float* logits, std::size_t count, std::size_t vocabulary,
                              float* max, float* log_sum_exp) override {
    EXPECT_FALSE(in_step_);
    rows_measured += count;
    return ops_->logit_stats(logits, count, vocabulary, max, log_sum_exp);
  }

  bool samples() const override { return draws; }
  kernels::Status sample(const float* logits, std::size_t vocabulary,
                         const kernels::SampleRow* rows, std::size_t count,
                         std::int32_t* tokens) override {
    EXPECT_FALSE(in_step_);
    rows_drawn += count;
    Sampler sampler(vocabulary);
    for (std::size_t i = 0; i < count; ++i) {
      SamplingParams params;
      params.temperature = rows[i].temperature;
      params.top_k = rows[i].top_k;
      params.top_p = rows[i].top_p;
      params.min_p = rows[i].min_p;
      params.seed = rows[i].seed;
      const auto token = sampler.sample({std::span(logits + rows[i].row * vocabulary, vocabulary),
                                         params,
                                         nullptr,
                                         {},
                                         rows[i].choice,
                                         rows[i].position});
      tokens[i] = token.ok() ? token.value() : kNoToken;
      if (draws_wrongly) tokens[i] = tokens[i] == 0 ? 1 : 0;
    }
    return kernels::Status::kOk;
  }

 private:
  using Operation = std::function<kernels::Status()>;

  kernels::Status run(Operation operation) {
    if (broken) return kernels::Status::kDevice;
    if (in_step_) {
      ++steps.back().operations;
      if (known_ != nullptr) known_->push_back(operation);
    } else {
      ++operations_outside;
    }
    return operation();
  }
  void check_rows(const kernels::Rows& rows) const {
    if (!in_step_) return;
    EXPECT_EQ(rows.n, step_.rows.n);
    EXPECT_EQ(rows.positions, step_.rows.positions);
    EXPECT_EQ(rows.sequences, step_.rows.sequences);
    EXPECT_EQ(rows.block_tables, step_.rows.block_tables);
    EXPECT_EQ(rows.block_table_stride, step_.rows.block_table_stride);
  }

  std::unique_ptr<kernels::Ops> ops_;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<Operation>> memory_;
  std::vector<Operation>* known_ = nullptr;
  kernels::Step step_;
  bool in_step_ = false;
};

}  // namespace runtime

#endif  // TESTS_RUNTIME_MODEL_REMEMBERING_OPS_H_
