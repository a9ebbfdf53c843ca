// Two layers of a transformer, as runtime runs them: matrices shared out, vectors in one buffer,
// rows of which the last layer finishes only some.
#ifndef TESTS_KERNELS_CUDA_SHARED_MODEL_H_
#define TESTS_KERNELS_CUDA_SHARED_MODEL_H_

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/kernels/cuda/shared_ops.h"

namespace kernels::cuda {

class SharedModel {
 public:
  static constexpr std::size_t kVocabulary = 200;
  static constexpr std::size_t kDim = 256;
  static constexpr std::size_t kKvHeads = 4;
  static constexpr std::size_t kHeadDim = 64;
  static constexpr std::size_t kKvDim = kKvHeads * kHeadDim;
  static constexpr std::size_t kRows = 20;
  static constexpr std::size_t kSequences = 2;
  static constexpr std::size_t kBlockTokens = 16;
  static constexpr std::size_t kTableStride = 4;
  static constexpr std::size_t kLayers = 2;

  // The MLP is as wide as all heads.
  SharedModel(Ops& ops, Format format, KvFormat kv_format, std::size_t heads)
      : ops_(ops),
        heads_(heads),
        q_dim_(heads * kHeadDim),
        hidden_dim_(q_dim_),
        residual_(ops, kRows * kDim),
        q_(ops, kRows * q_dim_),
        k_(ops, kRows * kKvDim),
        v_(ops, kRows * kKvDim),
        attention_(ops, kRows * q_dim_),
        hidden_(ops, kRows * hidden_dim_),
        cos_sin_(ops, kRows * kHeadDim),
        vectors_(ops, kernels_test::Random(3).uniforms(vector_floats())),
        row_numbers_(ops, 2 * kRows),
        tables_(ops, make_tables()),
        logits_(ops, kRows * kVocabulary) {
    embedding_ = load(format, kVocabulary, kDim, WeightSplit::kNone, 90);
    for (std::size_t l = 0; l < kLayers; ++l) {
      Layer& layer = layers_[l];
      layer.q = load(format, q_dim_, kDim, WeightSplit::kRows, 10 * l + 1);
      layer.k = load(format, kKvDim, kDim, WeightSplit::kRows, 10 * l + 2);
      layer.v = load(Format::kQ6_K, kKvDim, kDim, WeightSplit::kRows, 10 * l + 3);
      layer.o = load(format, kDim, q_dim_, WeightSplit::kColumns, 10 * l + 4);
      layer.gate = load(format, hidden_dim_, kDim, WeightSplit::kRows, 10 * l + 5);
      layer.up = load(format, hidden_dim_, kDim, WeightSplit::kRows, 10 * l + 6);
      layer.down = load(format, kDim, hidden_dim_, WeightSplit::kColumns, 10 * l + 7);
    }
    const KvShape shape{kLayers, kKvHeads, kHeadDim, kBlockTokens, kSequences * kTableStride};
    EXPECT_EQ(ops.create_kv_cache(shape, kv_format, &cache_), Status::kOk);
  }

  // Rows `first` … of a sequence, and its logits of the last row; the other sequence, with one row
  // more, goes before it where `company` says so.
  std::vector<float> step(std::int32_t first, std::int32_t count, bool company = false) {
    std::vector<std::int32_t> positions, sequences;
    tokens_.clear();
    const auto add = [&](std::int32_t sequence, std::int32_t position) {
      sequences.push_back(sequence);
      positions.push_back(position);
      tokens_.push_back((sequence * 31 + position * 7) % static_cast<std::int32_t>(kVocabulary));
    };
    if (company) add(1, first);
    for (std::int32_t p = first; p < first + count; ++p) add(0, p);
    logit_rows_ = {static_cast<std::int32_t>(tokens_.size()) - 1};
    write_rows(positions, sequences);

    Step step;
    step.rows = rows_of(0, tokens_.size());
    step.tokens = tokens_.data();
    step.logit_rows = logit_rows_.data();
    step.logit_count = 1;
    step.position_max = *std::max_element(positions.begin(), positions.end());
    step.decode = count == 1 && !company;
    bool replayed = false;
    EXPECT_EQ(ops_.begin_step(step, &replayed), Status::kOk);
    if (!replayed) run();
    EXPECT_EQ(ops_.end_step(), Status::kOk);
    std::vector<float> logits = logits_.read();
    logits.resize(kVocabulary);
    return logits;
  }

  void copy_block(std::int32_t from, std::int32_t to) {
    EXPECT_EQ(ops_.kv_copy_block(*cache_, from, to), Status::kOk);
  }

 private:
  struct Layer {
    std::unique_ptr<Weight> q, k, v, o, gate, up, down;
  };
  std::size_t vector_floats() const { return 2 * kDim + 2 * kHeadDim + q_dim_ + 2 * kKvDim; }

  const float* norm(std::size_t which) const { return vectors_.data() + which * kDim; }
  const float* head_norm(std::size_t which) const {
    return vectors_.data() + 2 * kDim + which * kHeadDim;
  }
  const float* bias(std::size_t offset) const {
    return vectors_.data() + 2 * kDim + 2 * kHeadDim + offset;
  }

  std::unique_ptr<Weight> load(Format format, std::size_t rows, std::size_t cols, WeightSplit split,
                               std::uint64_t seed) {
    return load_share(ops_, kernels_test::make_matrix(format, rows, cols, seed), split);
  }

  static std::vector<std::int32_t> make_tables() {
    std::vector<std::int32_t> tables;
    for (std::size_t s = 0; s < kSequences; ++s) {
      for (std::size_t b = 0; b < kTableStride; ++b)
        tables.push_back(static_cast<std::int32_t>(b * kSequences + s));
    }
    return tables;
  }

  void write_rows(const std::vector<std::int32_t>& positions,
                  const std::vector<std::int32_t>& sequences) {
    std::vector<std::int32_t> numbers(2 * kRows);
    std::copy(positions.begin(), positions.end(), numbers.begin());
    std::copy(sequences.begin(), sequences.end(), numbers.begin() + kRows);
    row_numbers_.write(numbers);
    std::vector<float> angles;
    for (const std::int32_t position : positions) {
      for (std::size_t j = 0; j < kHeadDim; ++j) {
        const double angle = position * std::pow(100.0, -static_cast<double>(j % (kHeadDim / 2)));
        angles.push_back(static_cast<float>(j < kHeadDim / 2 ? std::cos(angle) : std::sin(angle)));
      }
    }
    cos_sin_.write(angles);
  }

  Rows rows_of(std::size_t first, std::size_t count) const {
    return {count, row_numbers_.data() + first, row_numbers_.data() + kRows + first, tables_.data(),
            kTableStride};
  }

  void run() {
    const std::size_t n = tokens_.size();
    EXPECT_EQ(ops_.embed(*embedding_, tokens_.data(), n, residual_.data()), Status::kOk);
    run_layer(0, n, 0, n);
    run_layer(1, n, n - 1, 1);  // nobody reads the others
    EXPECT_EQ(ops_.logits(residual_.data(), logit_rows_.data(), 1, {norm(1), 1e-5F}, *embedding_,
                          logits_.data()),
              Status::kOk);
  }

  // Rows first … first + count - 1 go on after keys and values are stored.
  void run_layer(std::size_t l, std::size_t n, std::size_t first, std::size_t count) {
    const Layer& layer = layers_[l];
    const LinearTerm terms[] = {{layer.q.get(), bias(0), q_.data(), q_dim_, {}},
                                {layer.k.get(), bias(q_dim_), k_.data(), kKvDim, {}},
                                {layer.v.get(), bias(q_dim_ + kKvDim), v_.data(), kKvDim, {}}};
    EXPECT_EQ(ops_.norm_linear(residual_.data(), n, {norm(0), 1e-5F}, terms, 3), Status::kOk);
    Ops::RopeStore store;
    store.q = q_.data();
    store.q_stride = q_dim_;
    store.q_heads = heads_;
    store.k = k_.data();
    store.v = v_.data();
    store.kv_stride = kKvDim;
    store.q_norm = {head_norm(0), 1e-5F};
    store.k_norm = {head_norm(1), 1e-5F};
    store.rope = {RopePairs::kHalves, kHeadDim, cos_sin_.data()};
    EXPECT_EQ(ops_.rope_store(store, rows_of(0, n), *cache_, l), Status::kOk);
    attend(layer, l, first, count);
    run_mlp(layer, first, count);
  }

  void attend(const Layer& layer, std::size_t l, std::size_t first, std::size_t count) {
    Ops::Attention attention;
    attention.q = q_.data() + first * q_dim_;
    attention.q_stride = q_dim_;
    attention.q_heads = heads_;
    attention.scale = 0.125F;
    attention.window = l == 1 ? 20 : 0;
    attention.out = attention_.data() + first * q_dim_;
    attention.out_stride = q_dim_;
    EXPECT_EQ(ops_.attention(attention, rows_of(first, count), *cache_, l), Status::kOk);
    float* const x = residual_.data() + first * kDim;
    EXPECT_EQ(ops_.linear_residual(attention.out, count,
                                   {layer.o.get(), norm(1), x, kDim, {norm(1), 1e-5F}}),
              Status::kOk);
  }

  void run_mlp(const Layer& layer, std::size_t first, std::size_t count) {
    float* const x = residual_.data() + first * kDim;
    float* const hidden = hidden_.data() + first * hidden_dim_;
    EXPECT_EQ(ops_.norm_gated_mlp(x, count, {norm(1), 1e-5F}, *layer.gate, *layer.up,
                                  Activation::kSilu, hidden),
              Status::kOk);
    EXPECT_EQ(
        ops_.linear_residual(hidden, count, {layer.down.get(), nullptr, x, kDim, {norm(0), 1e-5F}}),
        Status::kOk);
  }

  Ops& ops_;
  std::size_t heads_, q_dim_, hidden_dim_;
  std::unique_ptr<Weight> embedding_;
  Layer layers_[kLayers];
  std::unique_ptr<KvCache> cache_;
  Held<float> residual_, q_, k_, v_, attention_, hidden_, cos_sin_, vectors_;
  Held<std::int32_t> row_numbers_, tables_;
  Held<float> logits_;
  std::vector<std::int32_t> tokens_, logit_rows_;
};

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_SHARED_MODEL_H_
