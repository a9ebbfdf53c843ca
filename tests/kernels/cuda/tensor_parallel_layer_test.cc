// Whole steps of a small model by several devices: the logits of one, to the bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/cuda/shared_model.h"

namespace kernels::cuda {
namespace {

// Prompts of 17 and of 3 rows, company, decoding: what a sequence's life has.
std::vector<float> life_of(Ops& ops, Format format, KvFormat kv_format, std::size_t heads) {
  SharedModel model(ops, format, kv_format, heads);
  std::vector<float> all;
  const auto keep = [&all](const std::vector<float>& logits) {
    EXPECT_TRUE(std::all_of(logits.begin(), logits.end(),
                            [](float logit) { return std::isfinite(logit); }));
    all.insert(all.end(), logits.begin(), logits.end());
  };
  keep(model.step(0, 17));
  keep(model.step(17, 3, true));
  model.copy_block(0, 7);
  keep(model.step(20, 1));
  return all;
}

struct Life {
  SharedCase weights;
  KvFormat kv_format;
  bool sm90a;
  std::size_t devices;
};

TEST(TensorParallelLayers, HaveTheBitsOfOneDevice) {
  const Life lives[] = {
      {{Format::kBF16, false}, KvFormat::kF16, true, 2},
      {{Format::kF32, false}, KvFormat::kF16, false, 2},
      {{Format::kQ8_0, false}, KvFormat::kQ8_0, true, 2},
      {{Format::kBF16, true}, KvFormat::kF16, false, 2},
      {{Format::kQ4_K, false}, KvFormat::kF16, true, 4},
      {{Format::kBF16, false}, KvFormat::kQ8_0, false, 4},
  };
  for (const auto& [weights, kv_format, sm90a, devices] : lives) {
    const auto one = make_one({.sm90a = sm90a, .fp8 = weights.fp8});
    const auto several = make_shared({.devices = devices, .sm90a = sm90a, .fp8 = weights.fp8});
    // As many as make columns of as many segments as there are devices.
    const std::size_t heads = 8 * devices;
    EXPECT_TRUE(same_bits(life_of(*one, weights.format, kv_format, heads),
                          life_of(*several, weights.format, kv_format, heads)))
        << one->name() << " on " << devices << ", " << format_info(weights.format).name;
  }
}

TEST(TensorParallelLayers, GiveARowTheSameBitsAloneAndAmongOthers) {
  const auto ops = make_shared({});
  SharedModel alone(*ops, Format::kQ4_K, KvFormat::kF16, 16);
  SharedModel among(*ops, Format::kQ4_K, KvFormat::kF16, 16);
  const std::vector<float> expected = alone.step(0, 9);
  (void)among.step(0, 4, true);
  (void)among.step(4, 1);
  EXPECT_TRUE(same_bits(expected, among.step(5, 4, true)));
}

}  // namespace
}  // namespace kernels::cuda
