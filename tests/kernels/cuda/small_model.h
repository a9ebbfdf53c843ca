// Two layers of a transformer over any backend, with fixed buffers as runtime has them: what whole
// steps are tested with.
#ifndef TESTS_KERNELS_CUDA_SMALL_MODEL_H_
#define TESTS_KERNELS_CUDA_SMALL_MODEL_H_

#include <cmath>
#include <memory>
#include <vector>

#include "tests/kernels/cuda/emulated_ops.h"

namespace kernels::cuda {

class SmallModel {
 public:
  static constexpr std::size_t kVocabulary = 200;
  static constexpr std::size_t kDim = 256;
  static constexpr std::size_t kHeads = 4;
  static constexpr std::size_t kKvHeads = 2;
  static constexpr std::size_t kHeadDim = 64;
  static constexpr std::size_t kHidden = 352;
  static constexpr std::size_t kSequences = 9;
  static constexpr std::size_t kBlockTokens = 16;
  static constexpr std::size_t kTableStride = 36;  // 576 positions
  static constexpr std::size_t kRows = 64;

  SmallModel(Ops& ops, KvFormat kv_format)
      : ops_(ops),
        residual_(ops, kRows * kDim),
        q_(ops, kRows * kHeads * kHeadDim),
        k_(ops, kRows * kKvHeads * kHeadDim),
        v_(ops, kRows * kKvHeads * kHeadDim),
        attention_(ops, kRows * kHeads * kHeadDim),
        hidden_(ops, kRows * kHidden),
        cos_sin_(ops, kRows * kHeadDim),
        norm_(ops, kernels_test::Random(3).uniforms(kDim)),
        positions_(ops, kRows),
        sequences_(ops, kRows),
        tables_(ops, make_tables()),
        logits_(ops, kRows * kVocabulary) {
    embedding_ = load(Format::kQ8_0, kVocabulary, kDim, 20);
    for (std::size_t l = 0; l < 2; ++l) {
      Layer& layer = layers_[l];
      const Format format = l == 0 ? Format::kQ4_K : Format::kBF16;
      layer.q = load(format, kHeads * kHeadDim, kDim, 10 * l + 1);
      layer.k = load(format, kKvHeads * kHeadDim, kDim, 10 * l + 2);
      layer.v = load(Format::kQ6_K, kKvHeads * kHeadDim, kDim, 10 * l + 3);
      layer.o = load(format, kDim, kHeads * kHeadDim, 10 * l + 4);
      layer.gate = load(format, kHidden, kDim, 10 * l + 5);
      layer.up = load(l == 0 ? format : Format::kQ8_0, kHidden, kDim, 10 * l + 6);
      layer.down = load(Format::kQ4_0, kDim, kHidden, 10 * l + 7);
    }
    EXPECT_EQ(ops.create_kv_cache({2, kKvHeads, kHeadDim, kBlockTokens, kSequences * kTableStride},
                                  kv_format, &cache_),
              Status::kOk);
  }

  // Rows of one step: adjacent rows of a sequence ascend.
  struct Row {
    std::int32_t sequence;
    std::int32_t position;
    std::int32_t token;
    bool logits;
  };
  // The logits asked for, one row after the other.
  std::vector<float> step(const std::vector<Row>& rows, bool decode, bool* replayed = nullptr) {
    tokens_.clear();
    logit_rows_.clear();
    std::vector<std::int32_t> positions, sequences;
    std::vector<float> angles;
    std::int32_t position_max = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tokens_.push_back(rows[i].token);
      positions.push_back(rows[i].position);
      sequences.push_back(rows[i].sequence);
      if (rows[i].logits) logit_rows_.push_back(static_cast<std::int32_t>(i));
      position_max = std::max(position_max, rows[i].position);
      for (std::size_t part = 0; part < 2; ++part) {
        for (std::size_t j = 0; j < kHeadDim / 2; ++j) {
          const double angle =
              rows[i].position * std::pow(10000.0, -2.0 * static_cast<double>(j) / kHeadDim);
          angles.push_back(static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
        }
      }
    }
    positions_.write(positions);
    sequences_.write(sequences);
    cos_sin_.write(angles);
    Step step;
    step.rows = {rows.size(), positions_.data(), sequences_.data(), tables_.data(), kTableStride};
    step.tokens = tokens_.data();
    step.logit_rows = logit_rows_.data();
    step.logit_count = logit_rows_.size();
    step.position_max = position_max;
    step.decode = decode;
    bool done = false;
    EXPECT_EQ(ops_.begin_step(step, &done), Status::kOk);
    if (!done) run(step.rows);
    EXPECT_EQ(ops_.end_step(), Status::kOk);
    if (replayed != nullptr) *replayed = done;
    std::vector<float> logits = logits_.read();
    logits.resize(logit_rows_.size() * kVocabulary);
    return logits;
  }

  // Runs positions first … last of a sequence `rows_of_step` at a time, and returns the logits of
  // the last.
  std::vector<float> prefill(std::int32_t sequence, std::int32_t first, std::int32_t last,
                             std::size_t rows_of_step) {
    std::vector<float> logits;
    std::vector<Row> rows;
    for (std::int32_t p = first; p <= last; ++p) {
      rows.push_back({sequence, p, token_at(sequence, p), p == last});
      if (rows.size() < rows_of_step && p < last) continue;
      logits = step(rows, false);
      rows.clear();
    }
    return logits;
  }

  static std::int32_t token_at(std::int32_t sequence, std::int32_t position) {
    return static_cast<std::int32_t>(
        kernels_test::Random(static_cast<std::uint64_t>(sequence * 1000 + position))
            .below(kVocabulary));
  }

 private:
  struct Layer {
    std::unique_ptr<Weight> q, k, v, o, gate, up, down;
  };

  std::unique_ptr<Weight> load(Format format, std::size_t rows, std::size_t cols,
                               std::uint64_t seed) {
    return load_matrix(ops_, kernels_test::make_matrix(format, rows, cols, seed));
  }

  static std::vector<std::int32_t> make_tables() {
    std::vector<std::int32_t> tables;
    for (std::size_t s = 0; s < kSequences; ++s) {
      for (std::size_t b = 0; b < kTableStride; ++b)
        tables.push_back(static_cast<std::int32_t>(b * kSequences + s));
    }
    return tables;
  }

  void run(const Rows& rows) {
    const std::size_t n = rows.n;
    const RmsNorm norm{norm_.data(), 1e-5F};
    EXPECT_EQ(ops_.embed(*embedding_, tokens_.data(), n, residual_.data()), Status::kOk);
    for (std::size_t l = 0; l < 2; ++l) run_layer(layers_[l], l, rows, norm);
    if (logit_rows_.empty()) return;
    EXPECT_EQ(ops_.logits(residual_.data(), logit_rows_.data(), logit_rows_.size(), norm,
                          *embedding_, logits_.data()),
              Status::kOk);
  }

  void run_layer(const Layer& layer, std::size_t l, const Rows& rows, const RmsNorm& norm) {
    const std::size_t q_dim = kHeads * kHeadDim;
    const std::size_t kv_dim = kKvHeads * kHeadDim;
    const LinearTerm terms[] = {{layer.q.get(), nullptr, q_.data(), q_dim},
                                {layer.k.get(), nullptr, k_.data(), kv_dim},
                                {layer.v.get(), nullptr, v_.data(), kv_dim}};
    EXPECT_EQ(ops_.norm_linear(residual_.data(), rows.n, norm, terms, 3), Status::kOk);
    Ops::RopeStore store;
    store.q = q_.data();
    store.q_stride = q_dim;
    store.q_heads = kHeads;
    store.k = k_.data();
    store.v = v_.data();
    store.kv_stride = kv_dim;
    store.rope = {RopePairs::kHalves, kHeadDim, cos_sin_.data()};
    EXPECT_EQ(ops_.rope_store(store, rows, *cache_, l), Status::kOk);
    Ops::Attention attention;
    attention.q = q_.data();
    attention.q_stride = q_dim;
    attention.q_heads = kHeads;
    attention.scale = 0.125F;
    attention.window = l == 1 ? 100 : 0;
    attention.out = attention_.data();
    attention.out_stride = q_dim;
    EXPECT_EQ(ops_.attention(attention, rows, *cache_, l), Status::kOk);
    EXPECT_EQ(ops_.linear_residual(attention_.data(), rows.n,
                                   {layer.o.get(), nullptr, residual_.data(), kDim, norm}),
              Status::kOk);
    EXPECT_EQ(ops_.norm_gated_mlp(residual_.data(), rows.n, norm, *layer.gate, *layer.up,
                                  Activation::kSilu, hidden_.data()),
              Status::kOk);
    EXPECT_EQ(ops_.linear_residual(
                  hidden_.data(), rows.n,
                  {layer.down.get(), nullptr, residual_.data(), kDim, l == 0 ? norm : RmsNorm{}}),
              Status::kOk);
  }

  Ops& ops_;
  std::unique_ptr<Weight> embedding_;
  Layer layers_[2];
  std::unique_ptr<KvCache> cache_;
  Held<float> residual_, q_, k_, v_, attention_, hidden_, cos_sin_, norm_;
  Held<std::int32_t> positions_, sequences_, tables_;
  Held<float> logits_;
  std::vector<std::int32_t> tokens_, logit_rows_;
};

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_SMALL_MODEL_H_
