// What several devices keep of a model that they share: what was said is what every one takes, and
// what cannot be shared is refused.
#include <gtest/gtest.h>

#include "tests/kernels/cuda/shared_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Matrix;

constexpr WeightSplit kSplits[] = {WeightSplit::kNone, WeightSplit::kRows, WeightSplit::kColumns};
const KvShape kCache = {
    .layers = 2, .kv_heads = 4, .head_dim = 64, .block_tokens = 16, .blocks = 5};

TEST(TensorParallelMemory, TakesOnEveryDeviceWhatItSaidAndNotAByteMore) {
  for (const std::size_t devices : {2U, 4U}) {
    for (const bool fp8 : {false, true}) {
      const auto planner = make_shared({.devices = devices, .fp8 = fp8});
      std::vector<Matrix> matrices;
      std::size_t bytes = planner->scratch_bytes();
      for (const Format format : {Format::kBF16, Format::kF32, Format::kQ4_K, Format::kQ8_0}) {
        matrices.push_back(make_matrix(format, 72, 2048, 1));
        for (const WeightSplit split : kSplits)
          bytes += planner->split_weight_bytes(format, 72, 2048, split);
      }
      bytes += planner->kv_cache_bytes(kCache, KvFormat::kF16) + 1024;
      const auto ops = make_shared({.devices = devices, .fp8 = fp8, .memory_bytes = bytes});
      ASSERT_NE(ops, nullptr);
      std::vector<std::unique_ptr<Weight>> weights;
      for (const Matrix& matrix : matrices) {
        for (const WeightSplit split : kSplits) weights.push_back(load_share(*ops, matrix, split));
      }
      std::unique_ptr<KvCache> cache;
      EXPECT_EQ(ops->create_kv_cache(kCache, KvFormat::kF16, &cache), Status::kOk);
      std::unique_ptr<Buffer> buffer;
      EXPECT_EQ(ops->allocate(1000, &buffer), Status::kOk);
      std::unique_ptr<Buffer> more;
      EXPECT_EQ(ops->allocate(1, &more), Status::kOutOfMemory);
      EXPECT_EQ(more, nullptr);
      // What comes back can be had again.
      weights.clear();
      EXPECT_EQ(ops->allocate(planner->weight_bytes(Format::kBF16, 72, 2048), &more), Status::kOk);
    }
  }
}

TEST(TensorParallelMemory, HasThePartsOfMatricesAndCachesOnly) {
  const auto one = make_one({});
  for (const std::size_t devices : {2U, 4U}) {
    const auto ops = make_shared({.devices = devices});
    const std::size_t whole = one->weight_bytes(Format::kBF16, 512, 2048);
    EXPECT_EQ(ops->weight_bytes(Format::kBF16, 512, 2048), whole);
    EXPECT_EQ(ops->split_weight_bytes(Format::kBF16, 512, 2048, WeightSplit::kRows) * devices,
              whole);
    EXPECT_EQ(ops->split_weight_bytes(Format::kBF16, 512, 2048, WeightSplit::kColumns) * devices,
              whole);
    EXPECT_EQ(ops->kv_cache_bytes(kCache, KvFormat::kQ8_0) * devices,
              one->kv_cache_bytes(kCache, KvFormat::kQ8_0));
    // A backend of one device shares nothing out, whatever it is told.
    EXPECT_EQ(one->split_weight_bytes(Format::kBF16, 512, 2048, WeightSplit::kColumns), whole);
  }
}

struct Refused {
  const char* why;
  std::size_t devices, rows, cols;
  WeightSplit split;
};

TEST(TensorParallelMemory, RefusesMatricesThatCannotBeSharedOut) {
  const Refused cases[] = {
      {"rows do not divide", 2, 71, 512, WeightSplit::kRows},
      {"rows do not divide", 4, 70, 512, WeightSplit::kRows},
      {"columns are no whole stages", 2, 64, 1152, WeightSplit::kColumns},
      {"one segment", 2, 64, 512, WeightSplit::kColumns},
      {"two segments", 4, 64, 1024, WeightSplit::kColumns},
      {"two segments, as there are many rows", 4, std::size_t{128} * 64, 2048,
       WeightSplit::kColumns},
      {"five stages for two devices", 2, 64, 1280, WeightSplit::kColumns},
      {"ten stages for four devices", 4, 64, 2560, WeightSplit::kColumns},
  };
  for (const Refused& each : cases) {
    const auto ops = make_shared({.devices = each.devices});
    EXPECT_EQ(ops->split_weight_bytes(Format::kQ4_0, each.rows, each.cols, each.split), 0U)
        << each.why;
    const Matrix matrix = make_matrix(Format::kQ4_0, each.rows, each.cols, 1);
    WeightSource source = matrix.source();
    source.split = each.split;
    std::unique_ptr<Weight> weight;
    EXPECT_EQ(ops->load_weight(source, &weight), Status::kUnsupported) << each.why;
    EXPECT_EQ(weight, nullptr);
    source.split = WeightSplit::kNone;
    EXPECT_EQ(ops->load_weight(source, &weight), Status::kOk) << each.why;
  }
}

TEST(TensorParallelMemory, RefusesCachesWhoseHeadsDoNotDivide) {
  const auto ops = make_shared({.devices = 4});
  KvShape shape = kCache;
  shape.kv_heads = 6;
  std::unique_ptr<KvCache> cache;
  EXPECT_EQ(ops->kv_cache_bytes(shape, KvFormat::kF16), 0U);
  EXPECT_EQ(ops->create_kv_cache(shape, KvFormat::kF16, &cache), Status::kUnsupported);
  EXPECT_EQ(cache, nullptr);
}

TEST(TensorParallelMemory, SaysWhyThereIsNoBackend) {
  std::string error;
  EXPECT_EQ(make_shared({.memory_bytes = 4096}, &error), nullptr);
  EXPECT_NE(error.find("memory"), std::string::npos) << error;
  for (const std::size_t devices : {0U, 1U, 3U}) {
    EXPECT_EQ(make_shared({.devices = devices}, &error), nullptr);
    EXPECT_NE(error.find("two or four"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace kernels::cuda
