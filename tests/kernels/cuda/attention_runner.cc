#include "tests/kernels/cuda/attention_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/half.h"
#include "tests/kernels/samples.h"

namespace kernels_cuda_test {
namespace {

using kernels::Status;
using kernels_test::Random;

constexpr std::uint32_t kLayers = 2, kLayer = 1;
constexpr float kEps = 1e-6F;

void append(const std::vector<float>& from, std::uint32_t row, std::uint32_t cols,
            std::vector<float>* to) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(row) * cols;
  to->insert(to->end(), begin, begin + cols);
}

// At the beginning of a workspace (attention.cc).
std::size_t counter_bytes(std::size_t workspace_bytes) {
  return (workspace_bytes / 64 + 255) / 256 * 256;
}

float scale_of(const HeadShape& shape) {
  return 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
}

// The formulas of AttentionCall, in double.
std::vector<float> attend_exactly(const Sequence& sequence, const std::vector<float>& q,
                                  const std::vector<float>& k) {
  const HeadShape& shape = sequence.shape;
  const std::uint32_t dim = shape.head_dim, group = shape.q_heads / shape.kv_heads;
  std::vector<float> out(q.size());
  for (std::uint32_t t = 0; t < sequence.tokens; ++t) {
    const std::uint32_t window =
        shape.window > 0 ? static_cast<std::uint32_t>(shape.window) : sequence.tokens;
    const std::uint32_t first = t + 1 > window ? t + 1 - window : 0;
    for (std::uint32_t h = 0; h < shape.q_heads; ++h) {
      double total = shape.sinks ? std::exp(static_cast<double>(sequence.sinks[h])) : 0;
      std::vector<double> mixed(dim);
      for (std::uint32_t p = first; p <= t; ++p) {
        double score = 0;
        for (std::uint32_t d = 0; d < dim; ++d) {
          score += static_cast<double>(q[(t * shape.q_heads + h) * dim + d]) *
                   static_cast<double>(k[(p * shape.kv_heads + h / group) * dim + d]);
        }
        score *= static_cast<double>(scale_of(shape));
        const auto cap = static_cast<double>(shape.softcap);
        if (cap > 0) score = cap * std::tanh(score / cap);
        const double weight = std::exp(score);
        total += weight;
        for (std::uint32_t d = 0; d < dim; ++d) {
          mixed[d] +=
              weight * static_cast<double>(sequence.v[(p * shape.kv_heads + h / group) * dim + d]);
        }
      }
      for (std::uint32_t d = 0; d < dim; ++d) {
        out[(t * shape.q_heads + h) * dim + d] = static_cast<float>(mixed[d] / total);
      }
    }
  }
  return out;
}

}  // namespace

std::string describe(const HeadShape& s) {
  return std::to_string(s.q_heads) + "/" + std::to_string(s.kv_heads) + " heads of " +
         std::to_string(s.head_dim) + ", window " + std::to_string(s.window) + ", block " +
         std::to_string(s.block_tokens) + (s.format == KvFormat::kQ8_0 ? ", Q8_0" : ", f16");
}

Sequence::Sequence(const HeadShape& made_for, std::uint32_t length, std::uint64_t seed)
    : shape(made_for),
      tokens(length),
      rope_dims(made_for.rope_dims == 0 ? made_for.head_dim : made_for.rope_dims) {
  Random random(seed);
  q = random.uniforms(std::size_t{tokens} * shape.q_cols(), 2.0F);
  k = random.uniforms(std::size_t{tokens} * shape.kv_cols(), 2.0F);
  v = random.uniforms(std::size_t{tokens} * shape.kv_cols());
  Random of_shape(shape.head_dim);
  q_norm = of_shape.uniforms(shape.head_dim, 2.0F);
  k_norm = of_shape.uniforms(shape.head_dim, 2.0F);
  sinks = of_shape.uniforms(shape.q_heads, 2.0F);
  for (std::uint32_t p = 0; p < tokens; ++p) {
    for (int sine = 0; sine < 2; ++sine) {
      for (std::uint32_t j = 0; j < rope_dims / 2; ++j) {
        const double angle = p * std::pow(10000.0, -2.0 * j / rope_dims);
        cos_sin.push_back(static_cast<float>(sine == 0 ? std::cos(angle) : std::sin(angle)));
      }
    }
  }
}

Sequence make_delicate(const HeadShape& shape, std::uint32_t length, std::uint64_t seed) {
  EXPECT_EQ(length % 2, 0U);
  Sequence sequence(shape, length, seed);
  const std::size_t half = std::size_t{length} / 2 * shape.kv_cols();
  for (std::size_t i = 0; i < half; ++i) {
    sequence.k[half + i] = sequence.k[i];
    sequence.v[half + i] = -sequence.v[i];
  }
  for (std::size_t i = 0; i < sequence.cos_sin.size(); ++i) {
    sequence.cos_sin[i] = i % sequence.rope_dims < sequence.rope_dims / 2 ? 1.0F : 0.0F;
  }
  return sequence;
}

std::vector<float> expected_attention(const Sequence& sequence) {
  const HeadShape& shape = sequence.shape;
  kernels::Limits limits;
  limits.rows_max = sequence.tokens;
  limits.heads_max = shape.q_heads;
  limits.head_dim_max = shape.head_dim;
  limits.context_tokens_max = sequence.tokens;
  const auto ops = kernels::make_reference_ops(limits);
  std::vector<float> q = sequence.q, k = sequence.k, v = sequence.v;
  std::vector<std::int32_t> positions(sequence.tokens), owners(sequence.tokens);
  std::iota(positions.begin(), positions.end(), 0);
  const std::size_t blocks = sequence.tokens / shape.block_tokens + 1;
  std::vector<std::int32_t> table(blocks);
  std::iota(table.begin(), table.end(), 0);
  const kernels::Rows rows{sequence.tokens, positions.data(), owners.data(), table.data(), blocks};
  std::unique_ptr<kernels::KvCache> cache;
  EXPECT_EQ(ops->create_kv_cache({1, shape.kv_heads, shape.head_dim, shape.block_tokens, blocks},
                                 shape.format, &cache),
            Status::kOk);
  kernels::Ops::RopeStore store{q.data(),
                                shape.q_cols(),
                                shape.q_heads,
                                k.data(),
                                v.data(),
                                shape.kv_cols(),
                                {},
                                {},
                                {shape.pairs, sequence.rope_dims, sequence.cos_sin.data()}};
  if (shape.head_norms) {
    store.q_norm = {sequence.q_norm.data(), kEps};
    store.k_norm = {sequence.k_norm.data(), kEps};
  }
  EXPECT_EQ(ops->rope_store(store, rows, *cache, 0), Status::kOk);
  if (shape.softcap > 0 || shape.sinks) return attend_exactly(sequence, q, k);
  std::vector<float> out(q.size());
  const kernels::Ops::Attention attention{q.data(),        shape.q_cols(), shape.q_heads,
                                          scale_of(shape), shape.window,   out.data(),
                                          shape.q_cols()};
  EXPECT_EQ(ops->attention(attention, rows, *cache, 0), Status::kOk);
  return out;
}

Runner::Runner(const std::vector<Sequence>& sequences, const RunnerOptions& options)
    : sequences_(sequences), shape_(sequences[0].shape), options_(options) {
  kernels::cuda::EmulatedDeviceOptions device_options;
  device_options.order_seed = options.order_seed;
  device_ = kernels::cuda::make_emulated_device(device_options);
  kernels_ = kernels::cuda::emulated_attention_kernels();
  std::uint32_t longest = 0;
  for (const Sequence& sequence : sequences) {
    longest = std::max(longest, sequence.tokens);
    out_.emplace_back(sequence.q.size(), std::uint16_t{0xffff});
  }
  table_stride_ = longest / shape_.block_tokens + 1;
  const auto blocks = static_cast<std::uint32_t>(table_stride_ * sequences.size());
  tables_.resize(blocks);
  std::iota(tables_.rbegin(), tables_.rend(), 0);
  Random random(options.table_seed);
  for (std::size_t i = blocks; i > 1; --i) std::swap(tables_[i - 1], tables_[random.below(i)]);

  cache_ = {nullptr,         shape_.format,       kLayers, shape_.kv_heads,
            shape_.head_dim, shape_.block_tokens, blocks};
  cache_bytes_ = kernels::cuda::kv_memory_bytes(
      {kLayers, shape_.kv_heads, shape_.head_dim, shape_.block_tokens, blocks}, shape_.format);
  EXPECT_EQ(device_->allocate(cache_bytes_, &cache_.data), Status::kOk);
  if (options.stale_nans) {
    EXPECT_EQ(device_->fill(cache_.data, 0xff, cache_bytes_), Status::kOk);
  }
  make_room(options.slots);
}

void Runner::make_room(std::uint32_t slots) {
  if (workspace_ != nullptr) device_->free(workspace_);
  workspace_ = nullptr;
  workspace_bytes_ = 0;
  if (slots == 0) return;
  const std::size_t partials = slots * shape_.q_heads * (shape_.head_dim + 2) * sizeof(float);
  workspace_bytes_ = partials;
  while (workspace_bytes_ < partials + counter_bytes(workspace_bytes_)) ++workspace_bytes_;
  EXPECT_EQ(device_->allocate(workspace_bytes_, &workspace_), Status::kOk);
}

Runner::~Runner() {
  device_->free(cache_.data);
  if (workspace_ != nullptr) device_->free(workspace_);
}

template <typename T>
T* Runner::to_device(const std::vector<T>& values) {
  void* memory = nullptr;
  EXPECT_EQ(device_->allocate(values.size() * sizeof(T), &memory), Status::kOk);
  EXPECT_EQ(device_->copy_in(memory, values.data(), values.size() * sizeof(T)), Status::kOk);
  temporaries_.push_back(memory);
  return static_cast<T*>(memory);
}

kernels::cuda::RowTable Runner::row_table(const std::vector<Run>& runs) {
  std::vector<std::int32_t> positions, owners;
  for (const Run& run : runs) {
    for (std::uint32_t p = run.first; p < run.first + run.count; ++p) {
      positions.push_back(static_cast<std::int32_t>(p));
      owners.push_back(static_cast<std::int32_t>(run.sequence));
    }
  }
  const auto n = static_cast<std::uint32_t>(positions.size());
  EXPECT_LE(n + options_.rows_more, kRowsMax);
  // Rows beyond the last are never looked at: they would lead nowhere.
  positions.resize(n + options_.rows_more, 1 << 30);
  owners.resize(n + options_.rows_more, 1 << 30);
  kernels::cuda::RowTable rows;
  rows.n = {n + options_.rows_more, to_device(std::vector<std::uint32_t>{n})};
  rows.positions = to_device(positions);
  rows.sequences = to_device(owners);
  rows.block_tables = to_device(tables_);
  rows.block_table_stride = table_stride_;
  return rows;
}

void Runner::step(const std::vector<Run>& runs, bool decode) {
  std::vector<float> q, k, v, cos_sin;
  std::uint32_t position_max = 0;
  for (const Run& run : runs) {
    const Sequence& from = sequences_[run.sequence];
    position_max = std::max(position_max, run.first + run.count - 1);
    for (std::uint32_t p = run.first; p < run.first + run.count; ++p) {
      append(from.q, p, shape_.q_cols(), &q);
      append(from.k, p, shape_.kv_cols(), &k);
      append(from.v, p, shape_.kv_cols(), &v);
      append(from.cos_sin, p, from.rope_dims, &cos_sin);
    }
  }
  const kernels::cuda::RowTable rows = row_table(runs);
  kernels::cuda::RopeStoreCall store;
  store.q = to_device(q);
  store.q_stride = shape_.q_cols();
  store.q_heads = shape_.q_heads;
  store.k = to_device(k);
  store.v = to_device(v);
  store.kv_stride = shape_.kv_cols();
  if (shape_.head_norms) {
    store.q_norm = {to_device(sequences_[0].q_norm), kEps};
    store.k_norm = {to_device(sequences_[0].k_norm), kEps};
  }
  store.rope = {shape_.pairs, sequences_[0].rope_dims, to_device(cos_sin)};
  store.rows = rows;
  store.cache = cache_;
  store.layer = kLayer;
  ASSERT_EQ(run_rope_store(*device_, kernels_, store), Status::kOk);

  std::vector<std::uint16_t> out(q.size(), 0xffff);
  kernels::cuda::AttentionCall call;
  call.q = store.q;
  call.q_stride = shape_.q_cols();
  call.q_heads = shape_.q_heads;
  call.scale = scale_of(shape_);
  call.softcap = shape_.softcap;
  call.sinks = shape_.sinks ? to_device(sequences_[0].sinks) : nullptr;
  call.window = shape_.window;
  call.out = to_device(out);
  call.out_stride = shape_.q_cols();
  call.rows = rows;
  call.decode = decode;
  call.positions_max = position_max + 10 * options_.rows_more;
  call.cache = cache_;
  call.layer = kLayer;
  call.workspace = workspace_;
  call.workspace_bytes = workspace_bytes_;
  ASSERT_EQ(run_attention(*device_, kernels_, call), Status::kOk);
  ASSERT_EQ(device_->copy_out(out.data(), call.out, out.size() * sizeof(std::uint16_t)),
            Status::kOk);
  turned_.resize(q.size());
  ASSERT_EQ(device_->copy_out(turned_.data(), store.q, q.size() * sizeof(float)), Status::kOk);
  std::size_t at = 0;
  for (const Run& run : runs) {
    const std::size_t count = std::size_t{run.count} * shape_.q_cols();
    std::copy_n(
        out.begin() + static_cast<std::ptrdiff_t>(at), count,
        out_[run.sequence].begin() + static_cast<std::ptrdiff_t>(run.first) * shape_.q_cols());
    at += count;
  }
  for (void* memory : temporaries_) device_->free(memory);
  temporaries_.clear();
}

std::vector<std::uint16_t> Runner::in_chunks(std::uint32_t chunk) {
  for (std::uint32_t first = 0; first < sequences_[0].tokens; first += chunk) {
    step({{0, first, std::min(chunk, sequences_[0].tokens - first)}}, chunk == 1);
  }
  return out_[0];
}

std::vector<float> Runner::floats(std::uint32_t sequence) const {
  std::vector<float> values;
  for (const std::uint16_t bits : out_[sequence]) values.push_back(kernels::bf16_to_f32(bits));
  return values;
}

bool Runner::counters_are_zero() const {
  std::vector<std::uint32_t> counters(counter_bytes(workspace_bytes_) / 4);
  EXPECT_EQ(device_->copy_out(counters.data(), workspace_, counters.size() * 4), Status::kOk);
  return std::all_of(counters.begin(), counters.end(),
                     [](std::uint32_t counter) { return counter == 0; });
}

void Runner::copy_block(std::int32_t from, std::int32_t to) {
  EXPECT_EQ(run_copy_block(*device_, kernels_, cache_, from, to), Status::kOk);
}

std::vector<std::uint8_t> Runner::cache_bytes() const {
  std::vector<std::uint8_t> bytes(cache_bytes_);
  EXPECT_EQ(device_->copy_out(bytes.data(), cache_.data, bytes.size()), Status::kOk);
  return bytes;
}

Bits in_steps(const std::vector<Sequence>& sequences, std::uint32_t head, std::uint32_t rest,
              const RunnerOptions& options) {
  Runner runner(sequences, options);
  for (std::uint32_t first = 0; first < sequences[0].tokens;) {
    const std::uint32_t end = first < head ? head : sequences[0].tokens;
    const std::uint32_t count = std::min(first < head ? 64 : rest, end - first);
    runner.step({{0, first, count}}, count == 1);
    first += count;
  }
  if (options.slots > 0) {
    EXPECT_TRUE(runner.counters_are_zero());
  }
  return runner.out(0);
}

}  // namespace kernels_cuda_test
