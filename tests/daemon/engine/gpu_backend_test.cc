// Models on GPUs, with backends of the host in their place: what is chosen, what it falls back
// from, and what the known-answer test makes of a device that fails or draws wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/synth/synthetic_model.h"
#include "daemon/engine/known_answers.h"
#include "daemon/engine/loaded_model.h"
#include "daemon/engine/start_checks.h"
#include "hardening/base/clock.h"
#include "provisioning/envelope.h"
#include "provisioning/model_directory.h"
#include "runtime/model/kernel_status.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/runtime/model/remembering_ops.h"

namespace daemon_engine {
namespace {

using kernels::cuda::GpuInventory;
using kernels::cuda::GpuOptions;
using kernels::cuda::GpuSupport;
using runtime::RememberingOps;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The machine the hooks show. Hooks have no place for more.
GpuInventory machine;
std::vector<GpuOptions> made;
std::size_t part = 1;  // RememberingOps::part of what is made
std::shared_ptr<const int> living;
long most_living = 0;  // backends at one time
RememberingOps* last = nullptr;
std::string refusal;

GpuInventory find_machine() {
  return machine;
}

std::unique_ptr<kernels::Ops> make_gpu(const GpuOptions& options, std::string* error) {
  made.push_back(options);
  if (!refusal.empty()) {
    *error = refusal;
    return nullptr;
  }
  auto ops = std::make_unique<RememberingOps>(
      kernels::make_cpu_ops({.limits = options.limits, .threads = 1}));
  ops->draws = true;
  ops->devices = 1 + options.peers.size();
  ops->part = part;
  ops->held = living;
  most_living = std::max(most_living, living.use_count() - 1);
  last = ops.get();
  return ops;
}

class GpuBackendTest : public testing::Test {
 protected:
  GpuBackendTest() {
    machine = {};
    machine.support = GpuSupport::kUsable;
    made.clear();
    last = nullptr;
    refusal.clear();
    part = 1;
    living = std::make_shared<const int>(0);
    most_living = 0;
    add_gpu(std::uint64_t{80} << 30);
    const bench::SyntheticModel model(*bench::find_synthetic_shape("tiny-llama"),
                                      *bench::find_quant_mix("Q4_0"), 3);
    const std::vector<std::byte> file = model.file();
    directory_.write("model.gguf", {reinterpret_cast<const char*>(file.data()), file.size()});
    const auto statement = provisioning::describe_directory(directory_.open(), "test").value();
    directory_.write("model.sig", provisioning::serialize_envelope(
                                      provisioning::seal_payload(
                                          provisioning::serialize_statement(statement), key_)
                                          .value()));
    config_.trusted_keys_pem = {key_.public_key().value().pem()};
    config_.threads = 1;
    config_.context_tokens = 64;
    config_.step_tokens_max = 16;
    config_.sequences_max = 2;
    config_.keep_weights = "always";
  }

  static void add_gpu(std::uint64_t memory_bytes) {
    kernels::cuda::Gpu gpu;
    gpu.ordinal = static_cast<int>(machine.gpus.size());
    gpu.name = "NVIDIA H200";
    gpu.uuid = "GPU-" + std::to_string(gpu.ordinal);
    gpu.memory_bytes = memory_bytes;
    machine.gpus.push_back(std::move(gpu));
  }

  base::Result<LoadedModel> load(base::Fd former_weights = {}) {
    return LoadedModel::load(directory_.open(), std::move(former_weights),
                             {.config = config_,
                              .clock = clock_,
                              .progress = nobody_,
                              .page = nullptr,
                              .hooks = hooks_,
                              .name_gpus = [this](auto uuids) { named_.push_back(uuids); }});
  }
  base::Result<StartChecks> check(const LoadedModel& model) {
    const auto engines = make_check_engines(model, config_).value();
    return run_start_checks(model, config_, engines, clock_, nobody_);
  }

  static std::vector<float> logits(LoadedModel& model) {
    const std::vector<runtime::TokenId> tokens{3, 1, 4, 1, 5};
    const std::vector<std::int32_t> blocks{0};
    const runtime::SequenceSlice slice{tokens, 0, blocks, 1};
    const auto rows = model.decoder->forward(std::span(&slice, 1));
    EXPECT_TRUE(rows.ok());
    return {rows.value().logits.begin(), rows.value().logits.end()};
  }

  const provisioning::PrivateKey key_ =
      provisioning::PrivateKey::generate(provisioning::Curve::kP384).value();
  const LoadReporter nobody_ = [](std::uint64_t, std::uint64_t, std::string_view) {};
  const EngineHooks hooks_ = {.find_gpus = find_machine, .make_gpu_ops = make_gpu};
  ScratchDirectory directory_;
  EngineConfig config_;
  base::SystemClock clock_;
  std::vector<std::vector<std::string>> named_;
};

TEST_F(GpuBackendTest, AModelThatFitsIsComputedOnTheGpu) {
  config_.gpu_weights = "fp8";
  config_.gpu_memory_percent = 50;
  config_.step_deadline_ms = 777;
  auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model.value().backend.kind, BackendKind::kCuda);
  ASSERT_EQ(model.value().backend.gpus.size(), 1u);
  EXPECT_EQ(model.value().backend.gpus[0].uuid, "GPU-0");
  EXPECT_EQ(model.value().backend.reason, "");
  EXPECT_EQ(model.value().kernels, "remembering");
  EXPECT_FALSE(model.value().kept.memory.is_open()) << "weights are the GPU's";
  ASSERT_EQ(made.size(), 1u);
  EXPECT_TRUE(made[0].fp8);
  EXPECT_EQ(made[0].memory_bytes, (std::uint64_t{80} << 30) / 100 * 50);
  EXPECT_EQ(made[0].step_deadline_ms, 777u);

  config_.backend = "cpu";
  auto on_cpu = load();
  ASSERT_TRUE(on_cpu.ok()) << on_cpu.error().message;
  EXPECT_EQ(logits(model.value()), logits(on_cpu.value()));
  EXPECT_EQ(made.size(), 1u) << "no GPU is touched where none is asked for";
}

TEST_F(GpuBackendTest, AModelThatDoesNotFitIsComputedOnTheCpuAndTheReasonKept) {
  machine.gpus[0].memory_bytes = 1 << 20;
  auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model.value().backend.kind, BackendKind::kCpu);
  EXPECT_THAT(model.value().backend.reason, HasSubstr("memory: "));
  EXPECT_TRUE(model.value().kept.memory.is_open());

  config_.backend = "cuda";
  const auto refused = load();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kExhausted);
}

TEST_F(GpuBackendTest, AModelTooLargeForOneGpuIsSplitOverAsManyAsItTakes) {
  config_.gpu_split = "layers";
  const auto whole = load();
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const std::uint64_t needed = whole.value().decoder->plan().total_bytes;
  config_.backend = "cpu";
  auto on_cpu = load();
  ASSERT_TRUE(on_cpu.ok());
  config_.backend = "auto";
  config_.gpu_memory_percent = 100;
  machine.gpus[0].memory_bytes = needed - needed / 20;
  for (int more = 0; more < 3; ++more) add_gpu(machine.gpus[0].memory_bytes);
  auto split = load();
  ASSERT_TRUE(split.ok()) << split.error().message;
  EXPECT_EQ(split.value().backend.reason, "");
  EXPECT_EQ(split.value().backend.gpus.size(), 2u);
  EXPECT_EQ(split.value().backend.split, GpuSplit::kLayers);
  EXPECT_EQ(split.value().more_ops.size(), 1u);
  EXPECT_EQ(split.value().decoder->plan().stages.size(), 2u);
  EXPECT_EQ(logits(split.value()), logits(on_cpu.value()));
}

// ---- GPUs that share each layer

class SharingGpusTest : public GpuBackendTest {
 protected:
  SharingGpusTest() {
    config_.gpu_memory_percent = 100;
    for (int more = 0; more < 4; ++more) add_gpu(std::uint64_t{80} << 30);
  }

  // Bytes that each of so many GPUs needs, where they share.
  std::uint64_t needed(std::size_t gpus) {
    const std::vector<kernels::cuda::Gpu> all = std::exchange(machine.gpus, {});
    for (std::size_t i = 0; i < gpus; ++i) add_gpu(std::uint64_t{80} << 30);
    config_.gpu_split = "tensor";
    const auto model = load();
    EXPECT_TRUE(model.ok()) << model.error().message;
    machine.gpus = all;
    config_.gpu_split = "auto";
    forget();
    return model.ok() ? model.value().decoder->plan().total_bytes : 0;
  }
  static void forget() {
    made.clear();
    living = std::make_shared<const int>(0);
    most_living = 0;
  }
  // Shares of a GPU's memory are counted in hundredths.
  void give_each(std::uint64_t bytes) {
    for (auto& gpu : machine.gpus) gpu.memory_bytes = (bytes + 99) / 100 * 100;
  }
  static std::vector<std::vector<int>> gpus_made() {
    std::vector<std::vector<int>> all;
    for (const GpuOptions& options : made) {
      all.push_back({options.ordinal});
      all.back().insert(all.back().end(), options.peers.begin(), options.peers.end());
    }
    return all;
  }
};

using Ordinals = std::vector<int>;

TEST_F(SharingGpusTest, AutoTakesOneThenTwoThenFourAndGivesBackWhatDidNotDo) {
  const std::uint64_t one = needed(1);
  const std::uint64_t two = needed(2);
  ASSERT_LT(needed(4), two - 200);
  ASSERT_LT(two, one - 200);
  config_.backend = "cpu";
  auto on_cpu = load();
  ASSERT_TRUE(on_cpu.ok());
  config_.backend = "cuda";

  give_each(one);
  const auto alone = load();
  ASSERT_TRUE(alone.ok()) << alone.error().message;
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{0}));
  EXPECT_EQ(alone.value().backend.describe("k").find("split"), nullptr);

  forget();
  give_each(one - 200);
  auto shared = load();
  ASSERT_TRUE(shared.ok()) << shared.error().message;
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{0}, Ordinals{0, 1}));
  EXPECT_EQ(most_living, 1) << "a GPU's memory is free before it is asked for once more";
  EXPECT_EQ(shared.value().backend.split, GpuSplit::kTensor);
  EXPECT_EQ(shared.value().backend.gpus.size(), 2u);
  EXPECT_EQ(shared.value().more_ops.size(), 0u);
  EXPECT_EQ(logits(shared.value()), logits(on_cpu.value()));

  forget();
  give_each(two - 200);
  const auto by_four = load();
  ASSERT_TRUE(by_four.ok()) << by_four.error().message;
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{0}, Ordinals{0, 1}, Ordinals{0, 1, 2, 3}));
  EXPECT_EQ(most_living, 1);
  EXPECT_EQ(by_four.value().backend.gpus.size(), 4u);
}

TEST_F(SharingGpusTest, AutoGoesOnWithLayersWhereTheModelCannotBeSharedOut) {
  give_each(needed(1) - 200);
  part = 1'000;
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model.value().backend.kind, BackendKind::kCuda);
  EXPECT_EQ(model.value().backend.split, GpuSplit::kLayers);
  EXPECT_EQ(model.value().backend.gpus.size(), 2u);
  EXPECT_EQ(model.value().decoder->plan().stages.size(), 2u);
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{0}, Ordinals{0, 1}, Ordinals{0, 1, 2, 3},
                                                Ordinals{0}, Ordinals{1}));
  EXPECT_EQ(most_living, 2);
}

TEST_F(SharingGpusTest, TensorSharesAlsoWhereOneWouldDo) {
  config_.gpu_split = "tensor";
  machine.gpus.resize(4);
  machine.gpus[1].memory_bytes /= 2;
  machine.gpus[2].kernels = "others";
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{0, 3})) << "the largest of one kind";
  ASSERT_EQ(model.value().backend.gpus.size(), 2u);
  EXPECT_EQ(model.value().backend.gpus[1].uuid, "GPU-3");
  EXPECT_EQ(model.value().backend.describe("k").find("split")->as_string(), "tensor");

  forget();
  config_.gpus = {"1", "3"};
  const auto unequal = load();
  ASSERT_TRUE(unequal.ok()) << unequal.error().message;
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{3, 1}));
  EXPECT_EQ(made[0].memory_bytes, machine.gpus[1].memory_bytes / 100 * 100) << "the smallest's";

  forget();
  config_.gpus = {"1"};
  const auto single = load();
  ASSERT_TRUE(single.ok()) << single.error().message;
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{1}));
}

TEST_F(SharingGpusTest, TensorIsThatOrNothingAndSaysWhyNot) {
  config_.gpu_split = "tensor";
  part = 1'000;
  const auto on_cpu = load();
  ASSERT_TRUE(on_cpu.ok()) << on_cpu.error().message;
  EXPECT_EQ(on_cpu.value().backend.kind, BackendKind::kCpu);
  EXPECT_THAT(
      on_cpu.value().backend.reason,
      testing::AllOf(HasSubstr("4 GPUs that share each layer: tensor \"blk.0.attn_q.weight\""),
                     HasSubstr("cannot be shared out among so many GPUs")));
  EXPECT_THAT(gpus_made(), testing::ElementsAre(Ordinals{0, 1, 2, 3}));

  config_.backend = "cuda";
  const auto cannot_share = load();
  ASSERT_FALSE(cannot_share.ok());
  EXPECT_EQ(cannot_share.error().code, base::ErrorCode::kUnsupported);

  part = 1;
  give_each(1 << 16);
  const auto too_large = load();
  ASSERT_FALSE(too_large.ok());
  EXPECT_EQ(too_large.error().code, base::ErrorCode::kExhausted);

  refusal = "one of them cannot reach the others";
  const auto refused = load();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kDevice);
  EXPECT_THAT(refused.error().message,
              HasSubstr("NVIDIA H200 (GPU-0), NVIDIA H200 (GPU-1), NVIDIA H200 (GPU-2), NVIDIA "
                        "H200 (GPU-3): one of them cannot reach"));
}

// ---- failures

TEST_F(GpuBackendTest, AGpuThatCannotBeHadIsAReasonOrAFailureThatMayPass) {
  refusal = "all of its memory is taken";
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model.value().backend.reason, "NVIDIA H200 (GPU-0): all of its memory is taken");
  config_.backend = "cuda";
  const auto refused = load();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kDevice);
  EXPECT_THAT(refused.error().message, HasSubstr("all of its memory is taken"));
}

TEST_F(GpuBackendTest, WhereGpusAreLookedAfterOneThatCannotBeHadIsAFailure) {
  refusal = "all of its memory is taken";
  config_.gpu_care = true;
  const auto model = load();
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, base::ErrorCode::kDevice);
  EXPECT_THAT(named_, ElementsAre(ElementsAre("GPU-0")));
  config_.gpus_excluded = {"GPU-0"};
  const auto without = load();
  ASSERT_TRUE(without.ok()) << without.error().message;
  EXPECT_EQ(without.value().backend.reason, "GPU-0 is in quarantine");
}

TEST_F(GpuBackendTest, GpusAreNamedOneByOneBeforeTheyAreOpenedAndThenTogether) {
  refusal = "";
  const auto whole = load();
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_THAT(named_, ElementsAre(ElementsAre("GPU-0"), ElementsAre("GPU-0")));
  const std::uint64_t needed = whole.value().decoder->plan().total_bytes;
  config_.gpu_memory_percent = 100;
  config_.gpu_split = "layers";
  machine.gpus[0].memory_bytes = needed - needed / 20;
  add_gpu(machine.gpus[0].memory_bytes);
  named_.clear();
  const auto split = load();
  ASSERT_TRUE(split.ok()) << split.error().message;
  EXPECT_THAT(named_, ElementsAre(ElementsAre("GPU-0"), ElementsAre("GPU-1"),
                                  ElementsAre("GPU-0", "GPU-1")));
}

TEST_F(GpuBackendTest, NoGpuIsNamedAnyMoreWhereTheCpuTakesOver) {
  machine.gpus[0].memory_bytes = 1 << 20;
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_THAT(named_, ElementsAre(ElementsAre("GPU-0"), IsEmpty()));
}

TEST_F(GpuBackendTest, FormerWeightsAreForTheCpu) {
  config_.gpus_excluded = {"GPU-0"};
  auto former = load();
  ASSERT_TRUE(former.ok()) << former.error().message;
  EXPECT_EQ(former.value().backend.reason, "GPU-0 is in quarantine");
  auto adopted = load(base::Fd(::dup(former.value().kept.memory.get())));
  ASSERT_TRUE(adopted.ok()) << adopted.error().message;
  EXPECT_TRUE(adopted.value().adopted);
  EXPECT_EQ(adopted.value().backend.kind, BackendKind::kCpu);

  config_.gpus_excluded = {};
  auto on_gpu = load(base::Fd(::dup(former.value().kept.memory.get())));
  ASSERT_TRUE(on_gpu.ok()) << on_gpu.error().message;
  EXPECT_FALSE(on_gpu.value().adopted);
  EXPECT_EQ(on_gpu.value().backend.kind, BackendKind::kCuda);
  EXPECT_THAT(on_gpu.value().note, HasSubstr("a GPU computes, with weights of its own"));

  machine.gpus[0].memory_bytes = 1 << 20;
  const auto again = load(std::move(former.value().kept.memory));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(again.value().adopted) << "no file is read to find out that it does not fit";
  EXPECT_THAT(again.value().backend.reason, HasSubstr("memory: "));
}

TEST_F(GpuBackendTest, TheKnownAnswerIsComputedAndDrawnOnTheGpu) {
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto checks = check(model.value());
  ASSERT_TRUE(checks.ok()) << checks.error().message;
  EXPECT_EQ(checks.value().known_answer.find("kernels")->as_string(), "remembering");
  EXPECT_FALSE(last->steps.empty());
  EXPECT_EQ(last->rows_drawn, kKnownTokens);
}

TEST_F(GpuBackendTest, AGpuThatDrawsOtherTokensIsNotServedFrom) {
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  last->draws_wrongly = true;
  const auto checks = check(model.value());
  ASSERT_FALSE(checks.ok());
  EXPECT_EQ(checks.error().code, base::ErrorCode::kDenied);
  EXPECT_THAT(checks.error().message, HasSubstr("the device draws other tokens than the host"));
}

// It drew the host's tokens before: the device has changed, not the model.
TEST_F(GpuBackendTest, AGpuThatAnsweredRightlyBeforeIsToBlameForAWrongAnswer) {
  const auto first = load();
  ASSERT_TRUE(first.ok()) << first.error().message;
  config_.known_answers = check(first.value()).value().known_answers.value();
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  last->draws_wrongly = true;
  const auto checks = check(model.value());
  ASSERT_FALSE(checks.ok());
  EXPECT_EQ(checks.error().code, base::ErrorCode::kDevice);
  EXPECT_TRUE(is_wrong_answer(checks.error()));
  EXPECT_FALSE(runtime::is_hung(checks.error()));
  EXPECT_THAT(checks.error().message, HasSubstr("the device draws other tokens than the host"));
}

TEST_F(GpuBackendTest, ADeviceThatFailsInTheKnownAnswerTestSaysSo) {
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  last->broken = last->hangs = true;
  const auto checks = check(model.value());
  ASSERT_FALSE(checks.ok());
  EXPECT_EQ(checks.error().code, base::ErrorCode::kDevice);
  EXPECT_TRUE(runtime::is_hung(checks.error()));
  EXPECT_FALSE(is_wrong_answer(checks.error()));
  EXPECT_THAT(checks.error().message, HasSubstr("known-answer test: "));
  EXPECT_THAT(checks.error().message, HasSubstr("the wire is cut"));
}

}  // namespace
}  // namespace daemon_engine
