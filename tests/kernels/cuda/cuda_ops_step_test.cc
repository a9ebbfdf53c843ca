// Whole steps of a small model: near the reference, the same bits however they are cut, batched,
// recorded and replayed.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/cuda/small_model.h"

namespace kernels::cuda {
namespace {

using Row = SmallModel::Row;
constexpr std::size_t kVocabulary = SmallModel::kVocabulary;

Row decode_row(std::int32_t sequence, std::int32_t position) {
  return {sequence, position, SmallModel::token_at(sequence, position), true};
}

// Every bit of noise that bf16 adds is 2^-8 of what it is added to, and is added some ten times in
// two layers; the noise of many elements adds up as squares. The reference computes in double
// precision.
TEST(CudaSteps, AreNearTheReference) {
  for (const bool sm90a : {true, false}) {
    for (const KvFormat kv_format : {KvFormat::kF16, KvFormat::kQ8_0}) {
      const auto ops = make_emulated_ops({.sm90a = sm90a});
      const auto reference = make_reference_ops(small_limits());
      SmallModel model(*ops, kv_format);
      SmallModel expected_model(*reference, kv_format);
      std::vector<float> actual = model.prefill(0, 0, 20, 32);
      std::vector<float> expected = expected_model.prefill(0, 0, 20, 32);
      const std::vector<float> next = model.step({decode_row(0, 21)}, true);
      const std::vector<float> expected_next = expected_model.step({decode_row(0, 21)}, true);
      actual.insert(actual.end(), next.begin(), next.end());
      expected.insert(expected.end(), expected_next.begin(), expected_next.end());
      ASSERT_EQ(actual.size(), 2 * kVocabulary);
      double error = 0;
      double size = 0;
      for (std::size_t i = 0; i < actual.size(); ++i) {
        const double difference = static_cast<double>(actual[i]) - static_cast<double>(expected[i]);
        error += difference * difference;
        size += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
      }
      EXPECT_LT(std::sqrt(error), 0.02 * std::sqrt(size)) << ops->name();
    }
  }
}

TEST(CudaSteps, GiveTheSameBitsHoweverAPromptIsCut) {
  for (const bool sm90a : {true, false}) {
    const auto ops = make_emulated_ops({.sm90a = sm90a});
    SmallModel model(*ops, KvFormat::kF16);
    const std::vector<float> whole = model.prefill(0, 0, 21, 64);
    const auto shuffled = make_emulated_ops({.sm90a = sm90a, .order_seed = 5});
    SmallModel other(*shuffled, KvFormat::kF16);
    EXPECT_EQ(other.prefill(0, 0, 21, 17), whole);
    EXPECT_EQ(other.prefill(0, 0, 21, 3), whole);
  }
}

// Sequences of different lengths; the step's rows change in number and in place.
TEST(CudaSteps, GiveTheSameBitsRecordedReplayedAndRunAndAmongAnyOthers) {
  for (const bool sm90a : {true, false}) {
    const auto recording = make_emulated_ops({.sm90a = sm90a});
    const auto plain = make_emulated_ops({.sm90a = sm90a, .record_steps = false, .order_seed = 3});
    SmallModel recorded(*recording, KvFormat::kF16);
    SmallModel run(*plain, KvFormat::kF16);
    std::vector<std::int32_t> lengths;
    for (std::int32_t s = 0; s < 6; ++s) {
      lengths.push_back(2 + 3 * s);
      EXPECT_EQ(recorded.prefill(s, 0, lengths.back() - 1, 64),
                run.prefill(s, 0, lengths.back() - 1, 64));
    }
    const std::vector<std::vector<std::int32_t>> steps = {
        {0}, {1}, {0, 1, 2}, {5, 3, 4, 1}, {0, 1, 2, 5, 4}, {3}};
    const bool replays[] = {false, true, false, true, false, true};
    for (std::size_t step = 0; step < steps.size(); ++step) {
      std::vector<Row> rows;
      for (const std::int32_t s : steps[step])
        rows.push_back(decode_row(s, lengths[static_cast<std::size_t>(s)]));
      bool replayed = false;
      const std::vector<float> batched = recorded.step(rows, true, &replayed);
      EXPECT_EQ(replayed, replays[step]) << step;
      std::vector<float> alone;
      for (const Row& row : rows) {
        const std::vector<float> logits = run.step({row}, true, &replayed);
        EXPECT_FALSE(replayed);
        alone.insert(alone.end(), logits.begin(), logits.end());
        ++lengths[static_cast<std::size_t>(row.sequence)];
      }
      ASSERT_EQ(batched, alone) << recording->name() << " step " << step;
    }
  }
}

// Recorded within the first split of 256 positions, replayed at its end and in the second.
TEST(CudaSteps, ReplayWithLongerContextsThanTheyWereRecordedWith) {
  const auto recording = make_emulated_ops();
  const auto plain = make_emulated_ops({.record_steps = false});
  SmallModel recorded(*recording, KvFormat::kQ8_0);
  SmallModel run(*plain, KvFormat::kQ8_0);
  for (SmallModel* const model : {&recorded, &run}) {
    (void)model->prefill(0, 0, 2, 64);
    (void)model->prefill(1, 0, 254, 64);
  }
  bool replayed = false;
  EXPECT_EQ(recorded.step({decode_row(0, 3)}, true, &replayed), run.step({decode_row(0, 3)}, true));
  EXPECT_FALSE(replayed);
  for (std::int32_t p = 255; p < 258; ++p) {
    EXPECT_EQ(recorded.step({decode_row(1, p)}, true, &replayed),
              run.step({decode_row(1, p)}, true));
    EXPECT_TRUE(replayed);
  }
}

TEST(CudaSteps, AreNotReplayedWhereTheyAreNoDecodeOrLargerThanTheBackend) {
  const auto ops = make_emulated_ops({.rows_max = 6});
  SmallModel model(*ops, KvFormat::kF16);
  bool replayed = false;
  for (int again = 0; again < 2; ++again) {
    (void)model.step({{0, 0, 1, false}, {0, 1, 2, true}}, false, &replayed);
    EXPECT_FALSE(replayed);
    // Its bucket would be 8 rows.
    std::vector<Row> rows;
    for (std::int32_t s = 0; s < 6; ++s) rows.push_back(decode_row(s, 0));
    (void)model.step(rows, true, &replayed);
    EXPECT_FALSE(replayed);
  }
}

TEST(CudaSample, DrawsFromTheRowsAskedFor) {
  const auto ops = make_emulated_ops();
  ASSERT_TRUE(ops->samples());
  std::vector<float> logits(3 * 50, 0.0F);
  logits[7] = 90;
  logits[50 + 8] = 90;
  logits[100 + 9] = std::nanf("");
  const Held<float> held(*ops, logits);
  SampleRow rows[3];
  rows[0].row = 1;
  rows[1].row = 0;
  rows[1].temperature = 0;
  rows[2].row = 2;
  std::int32_t tokens[3] = {-9, -9, -9};
  ASSERT_EQ(ops->sample(held.data(), 50, rows, 3, tokens), Status::kOk);
  EXPECT_EQ(tokens[0], 8);
  EXPECT_EQ(tokens[1], 7);
  EXPECT_EQ(tokens[2], -1);
}

}  // namespace
}  // namespace kernels::cuda
