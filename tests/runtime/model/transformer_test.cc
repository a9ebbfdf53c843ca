// Batch-invariance of whole forward passes, the loader's checks, and that a step allocates nothing.
#include "runtime/model/transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "runtime/model/model_file.h"
#include "tests/runtime/model/allocation_counter.h"
#include "tests/runtime/model/forward_pass.h"
#include "tests/runtime/model/test_file.h"
#include "tests/runtime/model/test_model.h"

namespace runtime {
namespace {

using testing::HasSubstr;

constexpr std::size_t kRowsMax = 64;
constexpr std::size_t kContext = 96;

struct Backend {
  const char* name;
  std::unique_ptr<kernels::Ops> (*make)(const kernels::Limits&);
};

std::unique_ptr<kernels::Ops> make_cpu(const kernels::Limits& limits) {
  return kernels::make_cpu_ops({.limits = limits, .threads = 2});
}

class TransformerTest : public testing::TestWithParam<Backend> {
 protected:
  void load(const std::vector<std::byte>& bytes) {
    const auto model = read_model_file(bytes);
    ASSERT_TRUE(model.ok()) << model.error().message;
    ops_ = GetParam().make(backend_limits(model.value().spec, kRowsMax, kContext));
    ASSERT_NE(ops_, nullptr);
    auto loaded = Transformer::load(provisioning::FileVerifier::trust(bytes), *ops_,
                                    {.memory = {.context_tokens = kContext,
                                                .sequences = 4,
                                                .block_tokens = 16,
                                                .rows_max = kRowsMax,
                                                .logit_rows_max = 48},
                                     .progress = {}});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    decoder_ = std::move(loaded).value();
  }

  std::unique_ptr<kernels::Ops> ops_;
  std::unique_ptr<Transformer> decoder_;
};

TEST_P(TransformerTest, ChunksGiveTheBitsOfTheWhole) {
  load(synthetic("tiny-llama", "Q4_K_M"));
  const auto tokens = prompt(40, 11);
  const Logits whole = run_in_chunks(*decoder_, tokens, 40, {0, 1, 2});
  ASSERT_EQ(whole.size(), 40u);
  for (const std::size_t chunk : {1u, 3u, 16u, 39u}) {
    EXPECT_EQ(run_in_chunks(*decoder_, tokens, chunk, {7, 3, 5}), whole) << "chunks of " << chunk;
  }
}

TEST_P(TransformerTest, CompanyChangesNoBit) {
  load(synthetic("tiny-qwen3", "Q8_0"));
  const auto a = prompt(20, 1);
  const auto b = prompt(30, 2);
  const auto c = prompt(9, 3);
  const Logits alone = run_in_chunks(*decoder_, b, 30, {0, 1});
  run_in_chunks(*decoder_, a, 20, {2, 3});  // a's history

  // b's second half between one more token of a and all of c, of which nobody wants logits.
  run_in_chunks(*decoder_, {b.begin(), b.begin() + 13}, 13, {4, 5});
  const std::vector<TokenId> next{42};
  const std::vector<std::int32_t> a_blocks{2, 3}, b_blocks{4, 5}, c_blocks{6};
  const SequenceSlice slices[] = {
      {next, 20, a_blocks, 1},
      {c, 0, c_blocks, 0},
      {std::span(b).subspan(13), 13, b_blocks, 17},
  };
  const auto rows = decoder_->forward(slices);
  ASSERT_TRUE(rows.ok());
  Logits mixed;
  append_rows(rows.value(), decoder_->shape().vocabulary, mixed);
  ASSERT_EQ(mixed.size(), 18u);
  for (std::size_t i = 0; i < 17; ++i) EXPECT_EQ(mixed[1 + i], alone[13 + i]) << "row " << i;
}

// The last layer computes only rows with logits, in runs; which runs there are must not show.
TEST_P(TransformerTest, LeavingRowsOutOfTheLastLayerChangesNoBit) {
  load(synthetic("tiny-qwen2", "Q4_0"));
  const auto a = prompt(24, 5);
  const auto b = prompt(25, 6);
  const Logits all_a = run_in_chunks(*decoder_, a, 24, {0, 1});
  const Logits all_b = run_in_chunks(*decoder_, b, 25, {2, 3});
  const std::vector<std::int32_t> a_blocks{4, 5}, b_blocks{6, 7};
  for (const std::size_t wanted : {0u, 1u, 20u}) {
    const SequenceSlice slices[] = {{a, 0, a_blocks, 2}, {b, 0, b_blocks, wanted}};
    const auto rows = decoder_->forward(slices);
    ASSERT_TRUE(rows.ok());
    Logits some;
    append_rows(rows.value(), decoder_->shape().vocabulary, some);
    ASSERT_EQ(some.size(), 2 + wanted);
    EXPECT_EQ(some[0], all_a[22]);
    EXPECT_EQ(some[1], all_a[23]);
    for (std::size_t i = 0; i < wanted; ++i) EXPECT_EQ(some[2 + i], all_b[25 - wanted + i]);
  }
}

TEST_P(TransformerTest, ACopiedBlockServesAsItsOriginal) {
  load(synthetic("tiny-llama", "F16"));
  const auto tokens = prompt(32, 8);
  const Logits whole = run_in_chunks(*decoder_, tokens, 32, {0, 1});
  ASSERT_TRUE(decoder_->copy_block(0, 9).ok());
  const std::vector<std::int32_t> blocks{9, 10};
  const SequenceSlice rest{std::span(tokens).subspan(16), 16, blocks, 16};
  const auto rows = decoder_->forward(std::span(&rest, 1));
  ASSERT_TRUE(rows.ok());
  Logits second;
  append_rows(rows.value(), decoder_->shape().vocabulary, second);
  EXPECT_EQ(second, Logits(whole.begin() + 16, whole.end()));
}

TEST_P(TransformerTest, StatisticsAreThoseOfTheLogits) {
  load(synthetic("tiny-llama", "F32"));
  const Logits rows = run_in_chunks(*decoder_, prompt(3, 1), 3, {0});
  for (const std::vector<float>& row : rows) {
    const std::span<const float> logits = std::span(row).first(row.size() - 2);
    const float max = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
      sum += std::exp(static_cast<double>(logit) - static_cast<double>(max));
    EXPECT_EQ(row[row.size() - 2], max);
    EXPECT_NEAR(static_cast<double>(row.back()), std::log(sum), 1e-5);
  }
}

// The reference is written to be read and may allocate; what is asserted is that we do not, on a
// backend that does not.
class TransformerOnCpu : public TransformerTest {};
TEST_P(TransformerOnCpu, AStepAllocatesNothing) {
  load(synthetic("tiny-llama", "Q4_K_M"));
  const auto tokens = prompt(20, 1);
  const std::vector<std::int32_t> blocks{0, 1};
  const SequenceSlice slice{tokens, 0, blocks, 20};
  arm_allocation_counter();
  const bool ok = decoder_->forward(std::span(&slice, 1)).ok();
  const std::size_t allocations = disarm_allocation_counter();
  EXPECT_TRUE(ok);
  EXPECT_EQ(allocations, 0u);
}

INSTANTIATE_TEST_SUITE_P(Backends, TransformerTest,
                         testing::Values(Backend{"reference", kernels::make_reference_ops},
                                         Backend{"cpu", make_cpu}),
                         [](const auto& backend) { return std::string(backend.param.name); });

INSTANTIATE_TEST_SUITE_P(Backends, TransformerOnCpu, testing::Values(Backend{"cpu", make_cpu}),
                         [](const auto& backend) { return std::string(backend.param.name); });

std::string load_error(const std::vector<std::byte>& bytes, const kernels::Limits& limits,
                       MemoryRequest request = {}) {
  const auto ops = kernels::make_reference_ops(limits);
  request.rows_max = limits.rows_max;
  request.logit_rows_max = 1;
  const auto loaded = Transformer::load(provisioning::FileVerifier::trust(bytes), *ops,
                                        {.memory = request, .progress = {}});
  return loaded.ok() ? "accepted" : loaded.error().message;
}

constexpr kernels::Limits kSmallLimits{
    .rows_max = 4, .cols_max = 48, .heads_max = 4, .head_dim_max = 8, .context_tokens_max = 64};

TEST(TransformerLoad, RefusesABackendMadeForASmallerModel) {
  const auto bytes = test_model("llama").bytes();
  EXPECT_EQ(load_error(bytes, kSmallLimits, {.context_tokens = 64}), "accepted");
  kernels::Limits limits = kSmallLimits;
  limits.cols_max = 47;
  EXPECT_THAT(load_error(bytes, limits, {.context_tokens = 64}),
              HasSubstr("the backend was made for 47 columns"));
  EXPECT_THAT(load_error(bytes, kSmallLimits, {.context_tokens = 65}),
              HasSubstr("the model needs 48, 4, 8 and 65"));
}

TEST(TransformerLoad, RefusesVectorsThatAreNotFinite) {
  auto bytes = test_model("llama").bytes();
  const GgufFile file = GgufFile::parse(bytes).value();
  const float bad = std::numeric_limits<float>::infinity();
  std::memcpy(
      bytes.data() + file.find_tensor("blk.1.ffn_norm.weight")->file_offset + 3 * sizeof bad, &bad,
      sizeof bad);
  EXPECT_THAT(load_error(bytes, kSmallLimits, {.context_tokens = 64}),
              HasSubstr("tensor \"blk.1.ffn_norm.weight\": element 3 is inf"));
}

TEST(TransformerLoad, RefusesRotaryDivisorsOfZero) {
  TestModel model = test_model("llama");
  model.tensors["rope_freqs.weight"] = {0, 4};
  EXPECT_THAT(load_error(model.bytes(), kSmallLimits, {.context_tokens = 64}),
              HasSubstr("tensor \"rope_freqs.weight\": element 0 is 0"));
}

TEST(TransformerLoad, ReportsProgressToTheEnd) {
  const auto bytes = test_model("llama").bytes();
  const auto ops = kernels::make_reference_ops(kSmallLimits);
  std::vector<std::uint64_t> done;
  std::uint64_t total = 0;
  const auto loaded =
      Transformer::load(provisioning::FileVerifier::trust(bytes), *ops,
                        {.memory = {.context_tokens = 64, .rows_max = 4, .logit_rows_max = 1},
                         .progress = [&](std::uint64_t now, std::uint64_t all) {
                           done.push_back(now);
                           total = all;
                         }});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(done.size(), test_model("llama").tensors.size());
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), total);
}

}  // namespace
}  // namespace runtime
