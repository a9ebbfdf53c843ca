// A model on several backends computes the bits it computes on one, and announces its steps where
// it runs on one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "runtime/model/kernel_status.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/runtime/model/forward_pass.h"
#include "tests/runtime/model/remembering_ops.h"
#include "tests/runtime/model/test_file.h"

namespace runtime {
namespace {

using testing::HasSubstr;

constexpr std::size_t kRowsMax = 64;
constexpr std::size_t kContext = 96;

TransformerOptions options() {
  return {.memory = {.context_tokens = kContext,
                     .sequences = 4,
                     .block_tokens = 16,
                     .rows_max = kRowsMax,
                     .logit_rows_max = 48},
          .progress = {}};
}

kernels::Limits limits_of(const std::vector<std::byte>& bytes) {
  return backend_limits(read_model_file(bytes).value().spec, kRowsMax, kContext);
}

// A model on `stages` CPU backends, with as many threads as their number.
struct Split {
  std::vector<std::unique_ptr<kernels::Ops>> ops;
  std::unique_ptr<Transformer> decoder;
};

Split split(const std::vector<std::byte>& bytes, std::size_t stages) {
  Split split;
  std::vector<StageDevice> devices;
  for (std::size_t i = 0; i < stages; ++i) {
    split.ops.push_back(kernels::make_cpu_ops({.limits = limits_of(bytes), .threads = 1 + i % 2}));
    devices.push_back({.ops = split.ops.back().get()});
  }
  auto loaded = Transformer::load(provisioning::FileVerifier::trust(bytes), devices, options());
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  if (loaded.ok()) split.decoder = std::move(loaded).value();
  return split;
}

struct Model {
  const char* shape;
  const char* mix;
};

class StagesTest : public testing::TestWithParam<Model> {};

TEST_P(StagesTest, GiveTheBitsOfOneBackendInChunksAndInDecode) {
  const auto bytes = synthetic(GetParam().shape, GetParam().mix);
  const auto tokens = prompt(40, 11);
  const Split one = split(bytes, 1);
  ASSERT_NE(one.decoder, nullptr);
  const Logits whole = run_in_chunks(*one.decoder, tokens, 40, {0, 1, 2});
  ASSERT_EQ(whole.size(), 40u);
  for (std::size_t stages = 2; stages <= std::min<std::size_t>(3, one.decoder->spec().layers);
       ++stages) {
    const Split several = split(bytes, stages);
    ASSERT_NE(several.decoder, nullptr);
    for (const std::size_t chunk : {1u, 7u, 40u}) {
      EXPECT_EQ(run_in_chunks(*several.decoder, tokens, chunk, {7, 3, 5}), whole)
          << stages << " stages, chunks of " << chunk;
    }
  }
}

TEST_P(StagesTest, CopyBlocksOnEveryBackend) {
  const auto bytes = synthetic(GetParam().shape, GetParam().mix);
  const Split two = split(bytes, 2);
  ASSERT_NE(two.decoder, nullptr);
  const auto tokens = prompt(32, 8);
  const Logits whole = run_in_chunks(*two.decoder, tokens, 32, {0, 1});
  ASSERT_TRUE(two.decoder->copy_block(0, 9).ok());
  const std::vector<std::int32_t> blocks{9, 10};
  const SequenceSlice rest{std::span(tokens).subspan(16), 16, blocks, 16};
  const auto rows = two.decoder->forward(std::span(&rest, 1));
  ASSERT_TRUE(rows.ok());
  Logits second;
  append_rows(rows.value(), two.decoder->shape().vocabulary, second);
  EXPECT_EQ(second, Logits(whole.begin() + 16, whole.end()));
}

INSTANTIATE_TEST_SUITE_P(Models, StagesTest,
                         testing::Values(Model{"tiny-llama", "Q4_K_M"}, Model{"tiny-qwen2", "Q8_0"},
                                         Model{"tiny-qwen3", "Q8_0"}),
                         [](const auto& model) {
                           std::string name = model.param.shape;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Stages, PlanTakesEveryLayerOnceAndStatesWhatEachStageTakes) {
  const auto bytes = synthetic("tiny-llama", "Q4_K_M");
  const Split one = split(bytes, 1);
  const Split two = split(bytes, 2);
  ASSERT_NE(two.decoder, nullptr);
  const MemoryPlan& plan = two.decoder->plan();
  ASSERT_EQ(plan.stages.size(), 2u);
  EXPECT_EQ(plan.stages[0].layers.first, 0u);
  EXPECT_EQ(plan.stages[1].layers.first, plan.stages[0].layers.count);
  EXPECT_TRUE(plan.stages[1].layers.is_last());
  EXPECT_EQ(plan.total_bytes, plan.stages[0].total_bytes + plan.stages[1].total_bytes);
  EXPECT_EQ(plan.kv_bytes, one.decoder->plan().kv_bytes);
  EXPECT_GE(plan.weights_bytes, one.decoder->plan().weights_bytes);  // a tied table is on both
  EXPECT_EQ(plan.stages[0].logits_bytes, 0u);
  EXPECT_THAT(plan.summary().back(), HasSubstr("layers "));
  EXPECT_EQ(plan.summary().size(), one.decoder->plan().summary().size() + 2);
}

TEST(Stages, RefuseABackendWithTooLittleMemory) {
  const auto bytes = synthetic("tiny-llama", "Q4_K_M");
  const Split two = split(bytes, 2);
  ASSERT_NE(two.decoder, nullptr);
  std::vector<StageDevice> devices;
  for (std::size_t i = 0; i < 2; ++i)
    devices.push_back({two.ops[i].get(), two.decoder->plan().stages[i].total_bytes});
  const auto fits = Transformer::load(provisioning::FileVerifier::trust(bytes), devices, options());
  EXPECT_TRUE(fits.ok()) << fits.error().message;
  devices[1].bytes_max = devices[1].bytes_max / 8;
  const auto refused =
      Transformer::load(provisioning::FileVerifier::trust(bytes), devices, options());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("does not fit on 2 backends"));
}

// ---- steps

class StepsTest : public testing::Test {
 protected:
  StepsTest() : bytes_(synthetic("tiny-llama", "Q8_0")) {
    ops_ = std::make_unique<RememberingOps>(
        kernels::make_cpu_ops({.limits = limits_of(bytes_), .threads = 1}));
    auto loaded = Transformer::load(provisioning::FileVerifier::trust(bytes_), *ops_, options());
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    decoder_ = std::move(loaded).value();
  }

  std::vector<std::byte> bytes_;
  std::unique_ptr<RememberingOps> ops_;
  std::unique_ptr<Transformer> decoder_;
};

// What Shoeybi et al. 2019, section 3, share out by rows and by columns; nothing else.
TEST_F(StepsTest, TheBackendIsToldHowEachMatrixMayBeSharedOut) {
  using kernels::WeightSplit;
  std::vector<WeightSplit> splits;
  for (const kernels::WeightSource& source : ops_->loaded) splits.push_back(source.split);
  const std::vector<WeightSplit> layer = {
      WeightSplit::kRows, WeightSplit::kRows, WeightSplit::kRows,   WeightSplit::kColumns,
      WeightSplit::kRows, WeightSplit::kRows, WeightSplit::kColumns};
  std::vector<WeightSplit> expected = {WeightSplit::kNone};  // the table
  for (std::size_t i = 0; i < decoder_->spec().layers; ++i)
    expected.insert(expected.end(), layer.begin(), layer.end());
  expected.push_back(WeightSplit::kNone);  // the head
  EXPECT_EQ(splits, expected);
}

TEST_F(StepsTest, EveryPassIsAnnouncedAndAReplayedStepGivesTheSameBits) {
  const auto tokens = prompt(40, 11);
  const Split plain = split(bytes_, 1);
  const Logits whole = run_in_chunks(*plain.decoder, tokens, 40, {0, 1, 2});
  EXPECT_EQ(run_in_chunks(*decoder_, tokens, 40, {3, 4, 5}), whole);
  ASSERT_EQ(ops_->steps.size(), 1u);
  EXPECT_FALSE(ops_->steps[0].decode);
  EXPECT_EQ(ops_->steps[0].rows, 40u);
  EXPECT_EQ(ops_->steps[0].logits, 40u);
  EXPECT_EQ(ops_->steps[0].position_max, 39);

  EXPECT_EQ(run_in_chunks(*decoder_, tokens, 1, {7, 3, 5}), whole);
  ASSERT_EQ(ops_->steps.size(), 41u);
  std::size_t replayed = 0;
  for (std::size_t i = 1; i < ops_->steps.size(); ++i) {
    EXPECT_TRUE(ops_->steps[i].decode);
    replayed += ops_->steps[i].replayed ? 1u : 0u;
  }
  // 40 positions take one block of 16, then two, then three, which is said to be four.
  EXPECT_EQ(replayed, 37u);
  EXPECT_EQ(ops_->operations_outside, 0u);
}

// A row of decode is one run in the last layer, too: as many operations as in the others.
TEST_F(StepsTest, DecodeOfManySequencesIsOneRunInEveryLayer) {
  const std::vector<TokenId> token{5};
  std::vector<std::vector<std::int32_t>> blocks;
  std::vector<SequenceSlice> slices;
  for (std::int32_t i = 0; i < 20; ++i) blocks.push_back({i});
  for (const auto& table : blocks) slices.push_back({token, 0, table, 1});
  ASSERT_TRUE(decoder_->forward(slices).ok());
  EXPECT_TRUE(ops_->steps.back().decode);
  // Embedding and logits; per layer queries, rotation, attention, its output, the MLP's two.
  EXPECT_EQ(ops_->steps.back().operations, 2 + 6 * decoder_->spec().layers);
}

TEST_F(StepsTest, RowsThatTheBackendDrawsStayThere) {
  const auto tokens = prompt(9, 2);
  const std::vector<std::int32_t> blocks[] = {{0}, {1}, {2}, {3}};
  const kernels::SampleRow greedy{.row = 77, .temperature = 0};
  const kernels::SampleRow drawn{.temperature = 0.8F, .top_k = 40, .seed = 5, .position = 9};
  const std::vector<SequenceSlice> plain = {{tokens, 0, blocks[0], 2},
                                            {tokens, 0, blocks[1], 1},
                                            {tokens, 0, blocks[2], 0},
                                            {tokens, 0, blocks[3], 1}};
  const auto all = decoder_->forward(plain);
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(all.value().drawn.empty());
  EXPECT_FALSE(decoder_->draws());
  const std::size_t vocabulary = decoder_->shape().vocabulary;
  Logits rows;
  append_rows(all.value(), vocabulary, rows);

  ops_->draws = true;
  EXPECT_TRUE(decoder_->draws());
  ops_->logits_copied = ops_->rows_measured = 0;
  std::vector<SequenceSlice> slices = plain;
  slices[1].draw = &greedy;
  slices[3].draw = &drawn;
  const auto some = decoder_->forward(slices);
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(ops_->rows_drawn, 2u);
  EXPECT_EQ(ops_->rows_measured, 2u);
  EXPECT_EQ(ops_->logits_copied, 2 * vocabulary * sizeof(float));
  ASSERT_EQ(some.value().drawn.size(), 4u);
  EXPECT_EQ(some.value().drawn[0], kNoToken);
  const std::vector<float>& row = rows[2];
  const auto largest = std::max_element(row.begin(), row.end() - 2);
  EXPECT_EQ(some.value().drawn[2], largest - row.begin());
  SamplingParams params;
  params.temperature = 0.8F;
  params.top_k = 40;
  params.seed = 5;
  Sampler sampler(vocabulary);
  EXPECT_EQ(
      some.value().drawn[3],
      sampler.sample({std::span(rows[3]).first(vocabulary), params, nullptr, {}, 0, 9}).value());
  Logits again;
  append_rows(some.value(), vocabulary, again);
  EXPECT_EQ(again[0], rows[0]);
  EXPECT_EQ(again[1], rows[1]);
}

TEST_F(StepsTest, AFailureSaysWhatTheBackendSaysAndWhetherItHangs) {
  const auto tokens = prompt(3, 2);
  const std::vector<std::int32_t> blocks{0};
  const SequenceSlice slice{tokens, 0, blocks, 1};
  ops_->broken = true;
  const auto failed = decoder_->forward(std::span(&slice, 1));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, base::ErrorCode::kDevice);
  EXPECT_THAT(failed.error().message, HasSubstr("the device failed: the wire is cut"));
  EXPECT_FALSE(is_hung(failed.error()));
}

TEST_F(StepsTest, AHangIsToldFromAFailure) {
  const auto tokens = prompt(3, 2);
  const std::vector<std::int32_t> blocks{0};
  const SequenceSlice slice{tokens, 0, blocks, 1};
  ops_->broken = ops_->hangs = true;
  const auto failed = decoder_->forward(std::span(&slice, 1));
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(is_hung(failed.error()));
}

}  // namespace
}  // namespace runtime
