#include "runtime/model/step_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace runtime {
namespace {

using testing::ElementsAre;

constexpr DecoderShape kShape{.vocabulary = 100,
                              .context_tokens_max = 64,
                              .block_tokens = 16,
                              .blocks = 8,
                              .rows_max = 32,
                              .logit_rows_max = 8};

std::vector<TokenId> tokens(std::size_t count) {
  return std::vector<TokenId>(count, 7);
}

std::vector<std::pair<std::size_t, std::size_t>> runs_of(const StepRows& rows) {
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  for (const RowRun& run : rows.logit_runs()) runs.emplace_back(run.first, run.count);
  return runs;
}

TEST(StepRows, LaysSlicesOutOneAfterAnother) {
  StepRows rows(kShape);
  const auto a = tokens(2), b = tokens(3);
  const std::vector<std::int32_t> a_blocks{4}, b_blocks{1, 5, 6};
  const SequenceSlice slices[] = {{a, 0, a_blocks, 0}, {b, 15, b_blocks, 1}};
  rows.assemble(slices);
  EXPECT_EQ(rows.count(), 5u);
  EXPECT_THAT(rows.positions(), ElementsAre(0, 1, 15, 16, 17));
  EXPECT_THAT(rows.sequences(), ElementsAre(0, 0, 1, 1, 1));
  // The third block of b is not reached yet, so tables are two wide.
  EXPECT_EQ(rows.table_stride(), 2u);
  EXPECT_THAT(rows.tables(), ElementsAre(4, 0, 1, 5));
  EXPECT_THAT(rows.logit_rows(), ElementsAre(4));
  EXPECT_THAT(runs_of(rows), ElementsAre(std::pair(4u, 1u)));
}

TEST(StepRows, JoinsRunsThatAreNearAndKeepsOthersApart) {
  StepRows rows(kShape);
  const auto one = tokens(1), eight = tokens(8), nine = tokens(9);
  const std::vector<std::int32_t> blocks{0};
  const SequenceSlice slices[] = {{one, 0, blocks, 1},
                                  {eight, 0, blocks, 0},
                                  {one, 0, blocks, 1},
                                  {nine, 0, blocks, 0},
                                  {one, 0, blocks, 1}};
  rows.assemble(slices);
  EXPECT_THAT(rows.logit_rows(), ElementsAre(0, 9, 19));
  EXPECT_THAT(runs_of(rows), ElementsAre(std::pair(0u, 10u), std::pair(19u, 1u)));
}

TEST(StepRows, ForgetsTheStepBefore) {
  StepRows rows(kShape);
  const auto a = tokens(20), b = tokens(1);
  const std::vector<std::int32_t> blocks{0, 1};
  const SequenceSlice first{a, 0, blocks, 8}, second{b, 3, blocks, 0};
  rows.assemble(std::span(&first, 1));
  rows.assemble(std::span(&second, 1));
  EXPECT_THAT(rows.positions(), ElementsAre(3));
  EXPECT_TRUE(rows.logit_rows().empty());
  EXPECT_TRUE(rows.logit_runs().empty());
}

TEST(StepRows, TablesGrowAtOnceAndShrinkLate) {
  DecoderShape shape = kShape;
  shape.context_tokens_max = 16 * 20;
  shape.blocks = 20;
  StepRows rows(shape);
  const auto token = tokens(1);
  const std::vector<std::int32_t> blocks(20, 0);
  const auto stride = [&](std::int32_t block) {
    const SequenceSlice slice{token, 16 * block, blocks, 1};
    rows.assemble(std::span(&slice, 1));
    EXPECT_EQ(rows.tables().size(), rows.table_stride());
    return rows.table_stride();
  };
  EXPECT_EQ(stride(0), 1u);
  EXPECT_EQ(stride(4), 8u);
  EXPECT_EQ(stride(2), 8u);
  EXPECT_EQ(stride(0), 1u);
  EXPECT_EQ(stride(16), 20u) << "no table is longer than a context";
}

TEST(StepRows, TellsDecodeFromPrefill) {
  StepRows rows(kShape);
  const auto one = tokens(1), two = tokens(2);
  const std::vector<std::int32_t> blocks{0, 1};
  const SequenceSlice decode[] = {{one, 20, blocks, 1}, {one, 3, blocks, 1}};
  rows.assemble(decode);
  EXPECT_TRUE(rows.decode());
  EXPECT_EQ(rows.position_max(), 20);
  EXPECT_THAT(runs_of(rows), ElementsAre(std::pair(0u, 2u)));
  const SequenceSlice mixed[] = {{one, 0, blocks, 1}, {two, 0, blocks, 1}};
  rows.assemble(mixed);
  EXPECT_FALSE(rows.decode());
  const SequenceSlice silent[] = {{one, 0, blocks, 1}, {one, 0, blocks, 0}};
  rows.assemble(silent);
  EXPECT_FALSE(rows.decode());
}

TEST(StepRows, KeepsRowsThatAreDrawnApartFromThoseForTheHost) {
  StepRows rows(kShape);
  const auto one = tokens(1), three = tokens(3);
  const std::vector<std::int32_t> blocks{0};
  const kernels::SampleRow draw{.row = 9, .temperature = 0, .seed = 4};
  const SequenceSlice slices[] = {{one, 0, blocks, 1, nullptr}, {three, 0, blocks, 3, nullptr},
                                  {one, 0, blocks, 1, &draw},   {three, 0, blocks, 0, nullptr},
                                  {one, 0, blocks, 1, &draw},   {one, 0, blocks, 1, nullptr}};
  rows.assemble(slices);
  EXPECT_EQ(rows.logit_rows().size(), 7u);
  ASSERT_EQ(rows.draws().size(), 2u);
  EXPECT_EQ(rows.draws()[0].row, 4u);
  EXPECT_EQ(rows.draws()[1].row, 5u);
  EXPECT_EQ(rows.draws()[1].seed, 4u);
  ASSERT_EQ(rows.host_logits().size(), 2u);
  EXPECT_EQ(rows.host_logits()[0].first, 0u);
  EXPECT_EQ(rows.host_logits()[0].count, 4u);
  EXPECT_EQ(rows.host_logits()[1].first, 6u);
  EXPECT_EQ(rows.host_logits()[1].count, 1u);
}

TEST(StepRowsDeathTest, AbortsOnSlicesOutsideTheContract) {
  StepRows rows(kShape);
  const auto two = tokens(2), many = tokens(33);
  const std::vector<TokenId> unknown{100}, negative{-1};
  const std::vector<std::int32_t> one_block{0}, no_such_block{8};
  const std::vector<std::int32_t> four_blocks{0, 1, 2, 3};
  const auto assemble = [&](const SequenceSlice& slice) { rows.assemble(std::span(&slice, 1)); };
  EXPECT_DEATH(rows.assemble({}), "CHECK failed");
  EXPECT_DEATH(assemble({{}, 0, one_block, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({many, 0, four_blocks, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({two, -1, one_block, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({two, 63, four_blocks, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({two, 15, one_block, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({two, 0, no_such_block, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({two, 0, one_block, 3}), "CHECK failed");
  const kernels::SampleRow draw;
  EXPECT_DEATH(assemble({two, 0, one_block, 2, &draw}), "CHECK failed");
  EXPECT_DEATH(assemble({unknown, 0, one_block, 0}), "CHECK failed");
  EXPECT_DEATH(assemble({negative, 0, one_block, 0}), "CHECK failed");
}

}  // namespace
}  // namespace runtime
