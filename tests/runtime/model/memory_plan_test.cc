#include "runtime/model/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/runtime/model/remembering_ops.h"
#include "tests/runtime/model/test_model.h"

namespace runtime {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

class MemoryPlanTest : public testing::Test {
 protected:
  MemoryPlanTest() : bytes_(test_model("llama").bytes()) {
    file_ = std::make_unique<GgufFile>(GgufFile::parse(bytes_).value());
    spec_ = read_model_spec(*file_).value();
    ops_ = kernels::make_reference_ops(backend_limits(spec_, 64, 4096));
  }

  base::Result<MemoryPlan> plan(const MemoryRequest& request) {
    const StageDevice device{.ops = ops_.get()};
    return plan_memory(*file_, spec_, std::span(&device, 1), request);
  }
  std::string error(const MemoryRequest& request) {
    const auto result = plan(request);
    return result.ok() ? "accepted" : result.error().message;
  }

  std::vector<std::byte> bytes_;
  std::unique_ptr<GgufFile> file_;
  ModelSpec spec_;
  std::unique_ptr<kernels::Ops> ops_;
};

constexpr MemoryRequest kRequest{
    .context_tokens = 100, .sequences = 3, .rows_max = 64, .logit_rows_max = 8};

TEST_F(MemoryPlanTest, AddsUpWhatTheModelNeeds) {
  const auto result = plan(kRequest);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const MemoryPlan& plan = result.value();
  EXPECT_EQ(plan.context_tokens, 100u);
  EXPECT_EQ(plan.kv_shape.blocks, 3u * 4);  // 100 tokens are four blocks of 32
  EXPECT_EQ(plan.kv_tokens(), 384u);
  EXPECT_EQ(plan.kv_bytes, ops_->kv_cache_bytes(plan.kv_shape, kernels::KvFormat::kF16));
  // Residual 32, q 32, k and v 16 each, attention 32, MLP 48, cosines and sines 8; then position
  // and sequence of each row, and a block table of four.
  EXPECT_EQ(plan.activations_bytes, 64u * 4 * (32 + 32 + 16 + 16 + 32 + 48 + 8 + 2 + 4));
  EXPECT_EQ(plan.logits_bytes, 2u * 8 * 10 * 4);
  EXPECT_GT(plan.weights_bytes, 0u);
  EXPECT_EQ(plan.total_bytes, plan.weights_bytes + plan.kv_bytes + plan.activations_bytes +
                                  plan.logits_bytes + plan.scratch_bytes);
}

TEST_F(MemoryPlanTest, TakesTheModelsContextUpTo8192) {
  EXPECT_EQ(plan({.rows_max = 64}).value().context_tokens, 4096u);
  spec_.context_tokens_max = 131'072;
  EXPECT_EQ(plan({.rows_max = 64}).value().context_tokens, 8192u);
}

TEST_F(MemoryPlanTest, RoundsAKvBudgetDownToBlocks) {
  const auto one = plan(kRequest).value();
  const std::uint64_t block_bytes = one.kv_bytes / one.kv_shape.blocks;
  MemoryRequest request = kRequest;
  request.kv_bytes = 5 * block_bytes + block_bytes / 2;
  EXPECT_EQ(plan(request).value().kv_shape.blocks, 5u);
}

TEST_F(MemoryPlanTest, SaysWhatIsNeededAndWhatIsAllowed) {
  MemoryRequest request = kRequest;
  request.memory_bytes_max = plan(kRequest).value().total_bytes;
  EXPECT_TRUE(plan(request).ok());
  request.memory_bytes_max -= 1;
  const auto refused = plan(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("memory: 0."));
  EXPECT_THAT(refused.error().message, HasSubstr("MiB needed (weights "));
  EXPECT_THAT(refused.error().message, HasSubstr("MiB allowed"));
}

TEST_F(MemoryPlanTest, RefusesACacheTooSmallForOneContext) {
  MemoryRequest request = kRequest;
  request.kv_bytes = 1;
  EXPECT_THAT(error(request), HasSubstr("one context of 100 tokens needs"));
}

TEST_F(MemoryPlanTest, RefusesRequestsThatContradictThemselves) {
  MemoryRequest request = kRequest;
  request.rows_max = 65;
  EXPECT_THAT(error(request), HasSubstr("65 rows of a step; 1 to 64 are possible"));
  request = kRequest;
  request.logit_rows_max = 65;
  EXPECT_THAT(error(request), HasSubstr("65 rows with logits of a step; 1 to 64 are possible"));
  request = kRequest;
  request.block_tokens = 48;
  EXPECT_THAT(error(request), HasSubstr("blocks of 48 tokens"));
  request = kRequest;
  request.context_tokens = 4097;
  EXPECT_THAT(error(request), HasSubstr("a context of 4097 tokens; the model has 4096"));
  request = kRequest;
  request.sequences = 0;
  EXPECT_THAT(error(request), HasSubstr("one context of 100 tokens needs"));
}

// Two devices that share each layer, with a limit for each of them.
TEST_F(MemoryPlanTest, TakesWhatTheFullestDeviceKeepsOfWhatIsSharedOut) {
  const MemoryPlan alone = plan(kRequest).value();
  RememberingOps two(std::move(ops_));
  two.devices = 2;
  StageDevice device{.ops = &two};
  const auto shared = plan_memory(*file_, spec_, std::span(&device, 1), kRequest);
  ASSERT_TRUE(shared.ok()) << shared.error().message;
  // Per layer q 32 and k, v 16 rows of 32, the output's 32 columns, gate's and up's 48 rows, down's
  // 48 columns; F32. Table (the head, too) and norms are on both.
  const std::uint64_t matrices = 2u * 4 * (32 * (32 + 16 + 16) + 32 * 32 + 3 * 48 * 32);
  EXPECT_EQ(shared.value().weights_bytes, alone.weights_bytes - matrices / 2);
  EXPECT_EQ(shared.value().kv_bytes, alone.kv_bytes / 2);
  EXPECT_EQ(shared.value().activations_bytes, alone.activations_bytes);
  device.bytes_max = shared.value().total_bytes;
  EXPECT_TRUE(plan_memory(*file_, spec_, std::span(&device, 1), kRequest).ok());
  device.bytes_max -= 1;
  const auto refused = plan_memory(*file_, spec_, std::span(&device, 1), kRequest);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
}

TEST_F(MemoryPlanTest, NamesTheMatrixThatCannotBeSharedOut) {
  RememberingOps two(std::move(ops_));
  two.devices = 2;
  two.part = 16;  // q has 32 rows, k has 16
  const StageDevice device{.ops = &two};
  const auto refused = plan_memory(*file_, spec_, std::span(&device, 1), kRequest);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message,
            "tensor \"blk.0.attn_k.weight\" (16 by 32, F32) cannot be shared out among so many "
            "GPUs");
}

TEST_F(MemoryPlanTest, SummaryHasALinePerItem) {
  const auto lines = plan(kRequest).value().summary();
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[1],
              HasSubstr("12 blocks of 32 tokens, 384 tokens; one sequence has up to 100"));
  EXPECT_THAT(lines[4], HasSubstr("kernels"));
  EXPECT_THAT(lines[5], HasSubstr("total"));
}

}  // namespace
}  // namespace runtime
